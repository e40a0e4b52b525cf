import { Autowired, Service } from '@forinda/kickjs-core'
import { Cron } from '@forinda/kickjs-cron'
import { Idempotency } from '../../http/idempotency.js'
import { SpentLimitsRepository } from '../../http/limits/spent-limits.repository.js'
import { MailsRepository } from '../../mail/mails.repository.js'
import { SweepService } from '../attachments/sweep.service.js'
import { PasswordResetsService } from '../auth/password-resets.service.js'
import { SessionsService } from '../auth/sessions/sessions.service.js'
import { StreamTicketsService } from '../auth/sessions/stream-tickets.service.js'
import { ChatSockets } from '../chat/chat-sockets.js'
import { DigestService } from '../notifications/digest/digest.service.js'
import { NotificationsService } from '../notifications/notifications.service.js'
import { PresenceService } from '../presence/presence.service.js'
import { CountersService } from '../stats/counters.service.js'
import { TasksService } from '../tasks/tasks.service.js'

// The timetable of the server. Each job is a verb of a service, told what time it is.

/** What every node does for itself. */
@Service()
export class NodeJobs {
  @Autowired(PresenceService) private presence!: PresenceService
  @Autowired(ChatSockets) private sockets!: ChatSockets

  @Cron('* * * * *', { description: 'Compare who is online with the open sockets, and where they belong' })
  async reconcilePresence(): Promise<void> {
    const alive = new Set(this.sockets.local().map(({ id }) => id))
    this.presence.reconcile(alive, Date.now())
    await this.presence.reconcileWorkspaces()
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
  @Autowired(SpentLimitsRepository) private limits!: SpentLimitsRepository
  @Autowired(NotificationsService) private notifications!: NotificationsService
  @Autowired(DigestService) private digests!: DigestService
  @Autowired(MailsRepository) private mails!: MailsRepository
  @Autowired(SweepService) private files!: SweepService
  @Autowired(CountersService) private counters!: CountersService

  @Cron('7 * * * *', {
    description:
      'Remove expired sessions, tickets, password resets, idempotency keys, list orders and limits, and old mails',
  })
  async removeExpired(): Promise<void> {
    const now = Date.now()
    await this.sessions.removeExpired(now)
    await this.tickets.removeExpired(now)
    await this.resets.removeExpired(now)
    await this.idempotency.removeExpired(now)
    await this.tasks.removeExpired(now)
    await this.limits.removeExpired(now)
    await this.mails.removeExpired(now)
  }

  @Cron('*/15 * * * *', { description: 'Remind people of tasks that are due soon or overdue' })
  async remindOfDates(): Promise<void> {
    const now = Date.now()
    await this.notifications.remindOfOverdue(now)
    await this.notifications.remindOfDueSoon(now)
  }

  // All time zones are a multiple of a quarter of an hour apart.
  @Cron('*/15 * * * *', { description: 'Mail digests to those for whom it is eight in the morning' })
  async sendDigests(): Promise<void> {
    await this.digests.send(Date.now())
  }

  @Cron('41 3 * * *', { description: 'Remove files that belong to nothing, and report those that are lost' })
  async sweepFiles(): Promise<void> {
    await this.files.sweep(Date.now())
  }

  @Cron('19 4 * * *', { description: 'Compare the counters of the statistics with a recount, and mend them' })
  async mendCounters(): Promise<void> {
    await this.counters.mend()
  }
}
