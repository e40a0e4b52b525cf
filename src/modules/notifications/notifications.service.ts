import { Autowired, Logger, Service } from '@forinda/kickjs-core'
import { NotificationsRepository } from './notifications.repository.js'

/** How many are recorded in one statement, so that none takes too long to finish. */
const BATCH = 5_000

const logger = Logger.for('Notifications')

@Service()
export class NotificationsService {
  @Autowired(NotificationsRepository) private notifications!: NotificationsRepository

  /** Reminds people, once for each due date, of the open tasks that are overdue; tells how many reminders were new. */
  async remindOfOverdue(now: number): Promise<number> {
    const time = new Date(now).toISOString()
    let recorded = 0
    for (let batch = BATCH; batch === BATCH; recorded += batch) {
      batch = await this.notifications.recordOverdue(time, BATCH)
    }
    if (recorded > 0) logger.info({ recorded }, 'reminded of overdue tasks')
    return recorded
  }
}
