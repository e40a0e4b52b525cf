import { Autowired, Logger, Service } from '@forinda/kickjs-core'
import { Events } from '../../events.js'
import { Mailer } from '../../mailer.js'
import type { Notification } from './notifications.contract.js'

const logger = Logger.for('Notifications')

/** Says, after the commit, who was notified of what. */
@Service()
export class Announcements {
  @Autowired(Events) private events!: Events
  @Autowired(Mailer) private mailer!: Mailer

  announce(told: readonly Notification[]): void {
    for (const notification of told) {
      this.events.emit('notification.created', notification)
      if (this.mailer.isOn) continue
      const { id, userId, type } = notification
      logger.info({ notificationId: id, userId, type }, 'no mail server: a notification was not mailed')
    }
  }
}
