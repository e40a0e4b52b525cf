import { z } from 'zod'
import { role } from '../../access/roles.js'
import { instant, noQuery, person, seq, uuid } from '../../fields.contract.js'
import { pageQuery } from '../../pagination.js'
import { resumeQuery } from '../../realtime/changes.contract.js'

/** What one is notified of. Where several hold for one event, it is told as the first of them that he has not muted. */
export const notificationTypes = [
  'task.assigned',
  'task.mentioned',
  'comment.mentioned',
  'task.commented',
  'task.due_soon',
  'task.overdue',
  'message.mentioned',
  'message.replied',
  'message.sent',
  'workspace.invited',
] as const
export const notificationType = z.enum(notificationTypes)
export type NotificationType = z.infer<typeof notificationType>

/** What it is about, as it was called then. */
const data = z
  .object({
    /** Of a task. */
    key: z.string(),
    title: z.string(),
    dueDate: instant,
    commentId: uuid,
    /** Of a message. */
    channelName: z.string(),
    parentId: uuid,
    /** Of an invitation. */
    invitationId: uuid,
    workspaceName: z.string(),
    role,
    expiresAt: instant,
  })
  .partial()

export const notification = z.object({
  id: uuid,
  userId: uuid,
  /** Of the user's notifications: grows by one with each. */
  seq,
  type: notificationType,
  workspaceId: uuid,
  /** Null where nobody did anything, but time passed. */
  actor: person.nullable(),
  taskId: uuid.nullable(),
  channelId: uuid.nullable(),
  messageId: uuid.nullable(),
  data,
  createdAt: instant,
  readAt: instant.nullable(),
})
export type Notification = z.infer<typeof notification>

/** Counting stops here: a badge says "999+" beyond. */
export const UNREAD_CAP = 1000
const unreadCount = z.object({ count: z.int() })

export const listNotifications = {
  name: 'listNotifications',
  query: pageQuery.extend({ unread: z.enum(['true', 'false']).optional() }),
  response: z.array(notification),
}
export const countUnreadNotifications = {
  name: 'countUnreadNotifications',
  query: noQuery,
  response: unreadCount,
}
export const readNotification = {
  name: 'readNotification',
  params: z.object({ notificationId: uuid }),
  query: noQuery,
  response: notification,
}
/** Answers what is unread afterwards: what came meanwhile. */
export const readAllNotifications = {
  name: 'readAllNotifications',
  query: noQuery,
  response: unreadCount,
}
/** Events: `notification` for each one since, `ready` when all that was missed is told, `reset` when it is too much. */
export const watchNotifications = {
  name: 'watchNotifications',
  query: resumeQuery,
  response: notification,
}
