import { Autowired, Logger, Service } from '@forinda/kickjs-core'
import { NotificationsRepository } from './notifications.repository.js'

const logger = Logger.for('Notifications')

@Service()
export class NotificationsService {
  @Autowired(NotificationsRepository) private notifications!: NotificationsRepository

  /** Reminds people, once for each due date, of the open tasks that are overdue; tells how many reminders were new. */
  async remindOfOverdue(now: number): Promise<number> {
    const recorded = await this.notifications.recordOverdue(new Date(now).toISOString())
    if (recorded > 0) logger.info({ recorded }, 'reminded of overdue tasks')
    return recorded
  }
}
