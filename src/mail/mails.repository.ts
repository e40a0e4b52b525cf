import { Autowired, Repository } from '@forinda/kickjs-core'
import { eq, sql } from 'drizzle-orm'
import { v7 } from 'uuid'
import { Database, type Queries } from '../db/database.js'
import { literal } from '../db/dialect.js'
import { removeInBatches } from '../db/remove-expired.js'
import { mails } from '../db/schema/feed.js'
import { Secrets } from '../secrets.js'
import type { Mail } from './mail.js'

/** After so many attempts, which is most of a day, a mail is given up. */
const MOST_ATTEMPTS = 10
/** Before the second attempt, and doubled with each further one up to six hours. Longer than an attempt may take. */
const FIRST_PAUSE = sql`interval '2 minutes'`
const KEPT = sql`interval '7 days'`

/** A mail that this node is to send now. */
export interface DueMail {
  id: string
  to: string
  subject: string
  /** As it is in the database: see `textOf`. */
  body: string
  /** Counts from 1. */
  attempt: number
  isLastAttempt: boolean
}

/** The mails in line. Their texts are encrypted, since some hold tokens, and gone once they are sent. */
@Repository()
export class MailsRepository {
  @Autowired(Database) private db!: Database
  @Autowired(Secrets) private secrets!: Secrets

  async add(tx: Queries, letters: readonly Mail[]): Promise<void> {
    if (letters.length === 0) return
    const rows = letters.map(({ to, subject, text, userId }) => {
      const id = v7()
      return {
        id,
        userId: userId ?? null,
        recipient: to,
        subject,
        body: this.secrets.seal(purposeOf(id), text),
      }
    })
    await tx.insert(mails).values(rows)
    withMails.add(tx)
  }

  /**
   * Takes mails that are due: until the time of their next attempt, which is set by it, no other node
   * does. So one whose sender is killed is tried again, and one that is sent is not.
   */
  async take(limit: number): Promise<DueMail[]> {
    const pause = sql`least(${FIRST_PAUSE} * power(2, ${mails.attempts}), interval '6 hours')`
    const due = sql`(
      select id from ${mails} where sent_at is null and due_at <= now() and attempts < ${MOST_ATTEMPTS}
      order by due_at limit ${literal(limit)} for update skip locked)`
    const taken = await this.db.query
      .update(mails)
      .set({ attempts: sql`${mails.attempts} + 1`, dueAt: sql`now() + ${pause}` })
      .where(sql`${mails.id} in ${due}`)
      .returning({
        id: mails.id,
        to: mails.recipient,
        subject: mails.subject,
        body: mails.body,
        attempt: mails.attempts,
      })
    return taken.map(mail => ({ ...mail, isLastAttempt: mail.attempt >= MOST_ATTEMPTS }))
  }

  /** Errors: one of Node's where the secret is not the one that it was encrypted with. */
  textOf({ id, body }: DueMail): string {
    return this.secrets.open(purposeOf(id), body)
  }

  async markSent(mailId: string): Promise<void> {
    await this.db.query.update(mails).set({ sentAt: sql`now()`, body: '' }).where(eq(mails.id, mailId))
  }

  /** Not to be tried again. */
  async giveUp(mailId: string): Promise<void> {
    await this.db.query.update(mails).set({ attempts: MOST_ATTEMPTS, body: '' }).where(eq(mails.id, mailId))
  }

  /** Removes what was sent, or given up, a week ago. For the timetable. */
  removeExpired(now: number): Promise<void> {
    const isOver = sql`(sent_at is not null or attempts >= ${MOST_ATTEMPTS})`
    const time = new Date(now).toISOString()
    return removeInBatches(this.db, mails, sql`${isOver} and created_at < ${time}::timestamptz - ${KEPT}`)
  }
}

const purposeOf = (mailId: string) => `mail ${mailId}`

const withMails = new WeakSet<Queries>()

/** Whether a transaction has put mails in line. */
export function hasMails(tx: Queries): boolean {
  return withMails.has(tx)
}
