import { Autowired, Service } from '@forinda/kickjs-core'
import type { Asker } from '../../../access/asker.js'
import { Feeds, type Place } from '../../../realtime/feeds.js'
import type { Notification } from '../notifications.contract.js'
import { NotificationsRepository } from '../notifications.repository.js'

/** The users whose notifications streams of this node listen to. Each reads his own, as far as he sees them by then. */
@Service()
export class NotificationFeeds extends Feeds<Notification, Notification> {
  @Autowired(NotificationsRepository) private stored!: NotificationsRepository
  protected readonly kind = 'notifications'

  protected follow(): void {
    this.events.on('notification.created', ({ userId, seq }) => this.feed(userId)?.fetch(seq))
  }

  protected async seen({ id }: Asker): Promise<Place> {
    const [standing] = await this.stored.standings([id])
    return standing ?? { id, lastSeq: 0 }
  }

  protected changes(place: Place, since: number) {
    return this.stored.changes(place, since)
  }

  protected reload(userId: string, since: number, limit: number): Promise<Notification[]> {
    return this.stored.since(userId, since, limit)
  }

  protected standings(userIds: readonly string[]): Promise<Place[]> {
    return this.stored.standings(userIds)
  }

  protected idOf({ id }: Notification): string {
    return id
  }
}
