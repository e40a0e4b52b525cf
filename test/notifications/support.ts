import type { Notification } from '../../src/modules/notifications/notifications.contract.js'
import { Notifier } from '../../src/modules/notifications/notifier.js'
import type { TestUser } from '../support/api.js'
import type { TestApp } from '../support/app.js'
import { ResumedStream } from '../support/resumed-stream.js'

/** Has everything looked at that happened until now. */
export function catchUp(app: TestApp): Promise<void> {
  return app.container.resolve(Notifier).catchUp()
}

/** What a user was notified of, the latest last. */
export async function notificationsOf({ api }: TestUser): Promise<Notification[]> {
  const latest: Notification[] = await api.data('GET', '/notifications?limit=100')
  return latest.toReversed()
}

/** A stream of a user's notifications. */
export class NotificationStream extends ResumedStream<Notification> {
  constructor({ api, accessToken }: TestUser, query = '', lastEventId?: string, origin = api.origin) {
    super('notification', `${origin}/api/v1/notifications/live${query}`, { accessToken }, lastEventId)
  }
}
