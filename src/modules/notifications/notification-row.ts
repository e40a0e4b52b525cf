import { sql } from 'drizzle-orm'
import { personColumns } from '../../db/person-columns.js'
import { notifications } from '../../db/schema/feed.js'
import type { Notification } from './notifications.contract.js'

/** A notification as its user sees it, selected from `notifications` joined (left) with its actor in `users`. */
export const notificationRow = {
  id: notifications.id,
  userId: notifications.userId,
  seq: notifications.seq,
  type: sql<Notification['type']>`${notifications.type}`,
  workspaceId: notifications.workspaceId,
  actor: personColumns,
  taskId: notifications.taskId,
  channelId: notifications.channelId,
  messageId: notifications.messageId,
  data: sql<Notification['data']>`coalesce(${notifications.data}, '{}')`,
  createdAt: notifications.createdAt,
  readAt: notifications.readAt,
}
