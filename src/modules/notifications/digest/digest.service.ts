import { Autowired, Logger, Service } from '@forinda/kickjs-core'
import { Mailer } from '../../../mailer.js'
import { digestOf } from '../letters.js'
import { NotificationsRepository } from '../notifications.repository.js'
import { type DigestReader, DigestRepository } from './digest.repository.js'

/** How many people are looked after at a time, and how many lines one mail has at most. */
const BATCH = 100
const MOST_LINES = 50

const logger = Logger.for('Digest')

@Service()
export class DigestService {
  @Autowired(DigestRepository) private digests!: DigestRepository
  @Autowired(NotificationsRepository) private notifications!: NotificationsRepository
  @Autowired(Mailer) private mailer!: Mailer

  /** Mails those who want it what came the day before and is unread; tells how many got a mail. For the timetable. */
  async send(now: number): Promise<number> {
    const time = new Date(now).toISOString()
    let sent = 0
    for (let due = BATCH; due === BATCH; ) {
      const readers = await this.digests.due(time, BATCH)
      for (const reader of readers) if (await this.sendTo(reader, time)) sent += 1
      due = readers.length
    }
    return sent
  }

  private async sendTo(reader: DigestReader, time: string): Promise<boolean> {
    const { userId, email: to, date } = reader
    const unread = await this.notifications.unreadBetween(reader, MOST_LINES + 1)
    const letter = digestOf(unread.slice(0, MOST_LINES), date, unread.length > MOST_LINES)
    const mail = unread.length > 0 ? { ...letter, to, userId } : undefined
    const isOurs = await this.digests.settle(reader, time, mail)
    if (isOurs && mail && !this.mailer.isOn)
      logger.info({ userId }, 'no mail server: a digest was not mailed')
    return isOurs && mail !== undefined
  }
}
