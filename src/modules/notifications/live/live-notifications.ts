import { type AppAdapter, Autowired, Service } from '@forinda/kickjs-core'
import { type EventStream, encodeEvent } from '@forinda/kickjs-http'
import type { Asker } from '../../../access/asker.js'
import { Outbox } from '../../../realtime/outbox.js'
import { missedFrames } from '../../../realtime/resuming.js'
import type { Notification } from '../notifications.contract.js'
import { NotificationFeeds } from './notification-feeds.js'

/** The streams of this node that tell users of their notifications. */
@Service()
export class LiveNotifications implements AppAdapter {
  readonly name = 'LiveNotifications'
  @Autowired(NotificationFeeds) private feeds!: NotificationFeeds
  /** By user. */
  private readonly readers = new Map<string, Set<Outbox>>()

  beforeStart(): void {
    this.feeds.open({
      deliver: notification => this.tell(notification),
      listensTo: userId => this.readers.has(userId),
    })
  }

  shutdown(): Promise<void> {
    return this.feeds.close()
  }

  /**
   * Sends what the user missed since, then each notification as it comes, until the stream is closed.
   * Without `since` he missed nothing.
   */
  join(user: Asker, since: number | undefined, stream: EventStream): Promise<void> {
    return this.feeds.join(user, user.id, since, told => {
      const outbox = new Outbox(stream)
      outbox.begin(missedFrames(told, frameOf))
      const readers = this.readers.get(user.id) ?? new Set()
      this.readers.set(user.id, readers.add(outbox))
      stream.onClose(() => this.leave(user.id, outbox))
    })
  }

  private tell(notification: Notification) {
    const frame = frameOf(notification)
    for (const outbox of this.readers.get(notification.userId) ?? []) outbox.push(frame)
  }

  private leave(userId: string, outbox: Outbox) {
    const readers = this.readers.get(userId)
    readers?.delete(outbox)
    if (!readers || readers.size > 0) return
    this.readers.delete(userId)
    this.feeds.release(userId)
  }
}

function frameOf(notification: Notification): Buffer {
  return encodeEvent(notification, 'notification', String(notification.seq))
}
