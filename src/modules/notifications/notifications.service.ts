import { Autowired, Logger, Service } from '@forinda/kickjs-core'
import { Access } from '../../access/access.js'
import type { Asker } from '../../access/asker.js'
import { refuse } from '../../errors.js'
import { Announcements } from './announcements.js'
import { FromDatesRepository } from './derive/from-dates.repository.js'
import type { Notification } from './notifications.contract.js'
import { NotificationsRepository } from './notifications.repository.js'

/** How many are stored in one transaction, so that none takes too long to finish. */
const BATCH = 1_000

const logger = Logger.for('Notifications')

@Service()
export class NotificationsService {
  @Autowired(Access) private access!: Access
  @Autowired(NotificationsRepository) private notifications!: NotificationsRepository
  @Autowired(FromDatesRepository) private dates!: FromDatesRepository
  @Autowired(Announcements) private announcements!: Announcements

  async read(user: Asker, notificationId: string): Promise<Notification> {
    await this.access.notification(user, notificationId)
    await this.notifications.markRead(notificationId)
    const read = await this.notifications.byId(notificationId)
    if (!read) throw refuse('NOTIFICATION_NOT_FOUND')
    return read
  }

  /** All that are there by now; gives how many are unread afterwards. */
  async readAll(user: Asker): Promise<number> {
    await this.notifications.markAllRead(user)
    return this.notifications.countUnread(user)
  }

  /** Reminds people, once for each due date, of open tasks whose day is over; tells how many reminders were new. */
  async remindOfOverdue(now: number): Promise<number> {
    const recorded = await this.remind(() => this.dates.overdue(new Date(now).toISOString(), BATCH))
    if (recorded > 0) logger.info({ recorded }, 'reminded of overdue tasks')
    return recorded
  }

  /** The same a day before they are due. */
  async remindOfDueSoon(now: number): Promise<number> {
    const recorded = await this.remind(() => this.dates.dueSoon(new Date(now).toISOString(), BATCH))
    if (recorded > 0) logger.info({ recorded }, 'reminded of tasks that are due soon')
    return recorded
  }

  /** Another portion for as long as the last one had anything new; of what others record at once, each has its own. */
  private async remind(next: () => Promise<Notification[]>): Promise<number> {
    let recorded = 0
    for (let told = await next(); told.length > 0; told = await next()) {
      this.announcements.announce(told)
      recorded += told.length
    }
    return recorded
  }
}
