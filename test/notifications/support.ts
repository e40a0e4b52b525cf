import type { Notification } from '../../src/modules/notifications/notifications.contract.js'
import { Notifier } from '../../src/modules/notifications/notifier.js'
import { until } from '../cluster/nodes.js'
import type { TestUser } from '../support/api.js'
import type { TestApp } from '../support/app.js'
import { ResumedStream } from '../support/resumed-stream.js'
import { rows } from '../work/support.js'

/** Has everything looked at that happened until now. */
export function catchUp(app: TestApp): Promise<void> {
  return app.container.resolve(Notifier).catchUp()
}

/** Waits until a server that notifies by itself has looked at all that happened in a workspace. */
export function lookedAt(app: TestApp, workspaceId: string): Promise<void> {
  const text = `select p.seq = w.last_seq as done from workspaces w
    left join notification_progress p on p.workspace_id = w.id where w.id = $1`
  return until(async () => (await rows(app, text, [workspaceId]))[0].done === true, 'the notifier')
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
