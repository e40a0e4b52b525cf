import { Autowired, Service } from '@forinda/kickjs-core'
import { Cron } from '@forinda/kickjs-cron'
import { Idempotency } from '../../http/idempotency.js'
import { PasswordResetsService } from '../auth/password-resets.service.js'
import { SessionsService } from '../auth/sessions/sessions.service.js'
import { StreamTicketsService } from '../auth/sessions/stream-tickets.service.js'
import { ChatSockets } from '../chat/chat-sockets.js'
import { NotificationsService } from '../notifications/notifications.service.js'
import { PresenceService } from '../presence/presence.service.js'
import { TasksService } from '../tasks/tasks.service.js'

// The timetable of the server. Each job is a verb of a service, told what time it is.

/** What every node does for itself. */
@Service()
export class NodeJobs {
  @Autowired(PresenceService) private presence!: PresenceService
  @Autowired(ChatSockets) private sockets!: ChatSockets

  @Cron('*/5 * * * *', { description: 'Forget connections whose end was never told' })
  sweepPresence(): void {
    const alive = new Set(this.sockets.local().map(({ id }) => id))
    this.presence.reconcile(alive, Date.now())
  }
}

/** What one node does for all. */
@Service()
export class SharedJobs {
  @Autowired(SessionsService) private sessions!: SessionsService
  @Autowired(StreamTicketsService) private tickets!: StreamTicketsService
  @Autowired(PasswordResetsService) private resets!: PasswordResetsService
  @Autowired(TasksService) private tasks!: TasksService
  @Autowired(Idempotency) private idempotency!: Idempotency
  @Autowired(NotificationsService) private notifications!: NotificationsService

  @Cron('7 * * * *', {
    description: 'Remove expired sessions, tickets, password resets, idempotency keys and list orders',
  })
  async removeExpired(): Promise<void> {
    const now = Date.now()
    await this.sessions.removeExpired(now)
    await this.tickets.removeExpired(now)
    await this.resets.removeExpired(now)
    await this.idempotency.removeExpired(now)
    await this.tasks.removeExpired(now)
  }

  @Cron('*/15 * * * *', { description: 'Remind people of their overdue tasks' })
  async remindOfOverdue(): Promise<void> {
    await this.notifications.remindOfOverdue(Date.now())
  }
}
