import { Autowired, Controller, Get, Patch, Post } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Stream } from '../../http/route-flags.js'
import { LiveStreams } from '../../realtime/live-streams.js'
import { sinceOf } from '../../realtime/resuming.js'
import { LiveNotifications } from './live/live-notifications.js'
import {
  countUnreadNotifications,
  listNotifications,
  readAllNotifications,
  readNotification,
  watchNotifications,
} from './notifications.contract.js'
import { NotificationsRepository } from './notifications.repository.js'
import { NotificationsService } from './notifications.service.js'

@Controller()
export class NotificationsController {
  @Autowired(NotificationsService) private notifications!: NotificationsService
  @Autowired(NotificationsRepository) private stored!: NotificationsRepository
  @Autowired(LiveStreams) private streams!: LiveStreams
  @Autowired(LiveNotifications) private live!: LiveNotifications

  @Get('/notifications', listNotifications)
  list({ user, query }: RouteContext<typeof listNotifications>) {
    return this.stored.forUser(user, query)
  }

  @Get('/notifications/unread-count', countUnreadNotifications)
  async countUnread({ user }: RouteContext<typeof countUnreadNotifications>) {
    return { count: await this.stored.countUnread(user) }
  }

  @Patch('/notifications/:notificationId/read', readNotification)
  read({ user, params }: RouteContext<typeof readNotification>) {
    return this.notifications.read(user, params.notificationId)
  }

  @Post('/notifications/read-all', readAllNotifications)
  async readAll(ctx: RouteContext<typeof readAllNotifications>) {
    return { count: await this.notifications.readAll(ctx.user) }
  }

  @Stream()
  @Get('/notifications/live', watchNotifications)
  async watch(ctx: RouteContext<typeof watchNotifications>) {
    const since = sinceOf(ctx)
    // It belongs to its user alone, and shows him of each place what he still sees of it.
    const stream = await this.streams.open(ctx, async () => ({}))
    await this.streams.feed(stream, () => this.live.join(ctx.user, since, stream))
  }
}
