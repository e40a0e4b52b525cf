import { z } from 'zod'
import { content, instant, seq, uuid } from '../../fields.contract.js'
import type { Unread } from '../channels/channels.contract.js'
import { draft, MESSAGE_LENGTH, type Message, message, type Reacted } from '../messages/messages.contract.js'
import type { Notification } from '../notifications/notifications.contract.js'
import { changedTask, type Task } from '../tasks/tasks.contract.js'

/** What a client sends with the handshake, as Socket.IO's `auth`. */
export const handshake = z.object({ token: z.string().min(1).max(4096) })
export const authenticate = z.strictObject({ token: z.string().min(1).max(4096) })
export const welcome = z.object({ id: z.string(), userId: uuid, userName: z.string(), expiresAt: instant })
export type Welcome = z.infer<typeof welcome>

const inChannel = { channelId: uuid }

/** Somebody in a channel, as the others there are told of him. */
export interface ChannelVisit {
  channelId: string
  userId: string
  userName: string
}

export const joinChannel = z.strictObject({ ...inChannel, since: seq.optional() })
/** `changes` only where `since` was given; `reset` instead of it when there are too many. */
export const joined = z.object({
  lastSeq: seq,
  online: z.array(uuid),
  changes: z.array(message).optional(),
  reset: z.literal(true).optional(),
})
export type Joined = z.infer<typeof joined>

const inProject = { projectId: uuid }

export const joinProject = z.strictObject({ ...inProject, since: seq.optional() })
/** As of a channel; the tasks that changed. */
export const joinedProject = z.object({
  lastSeq: seq,
  changes: z.array(changedTask).optional(),
  reset: z.literal(true).optional(),
})
export type JoinedProject = z.infer<typeof joinedProject>
export const leaveProject = z.strictObject(inProject)

export const leaveChannel = z.strictObject(inChannel)
export const sendMessage = draft.extend(inChannel)
export const editMessage = z.strictObject({ messageId: uuid, content: content(MESSAGE_LENGTH) })
export const deleteMessage = z.strictObject({ messageId: uuid })
export const typing = z.strictObject(inChannel)
export const readChannel = z.strictObject({ ...inChannel, seq })
export const syncChannel = z.strictObject({ ...inChannel, since: seq })

/** Every answer to a client event. */
export type Ack<T> =
  | { ok: true; data: T }
  | { ok: false; error: { code: string; message: string; retryAfterMs?: number } }

/** The client that caused a change, in its own words: see `X-Origin-Id`. */
interface Caused {
  origin?: string
}

/** What the server sends without being asked. */
export interface ServerEvents {
  welcome: (welcome: Welcome) => void
  error: (error: { code: string; message: string }) => void
  'server:restarting': (notice: { reconnectInMs: number }) => void
  'auth:expiring': (notice: { expiresAt: string }) => void
  'message:new': (message: Message) => void
  'message:edited': (message: Message) => void
  'message:reacted': (message: Reacted) => void
  'message:deleted': (deletion: Omit<Reacted, 'reactions'>) => void
  'channel:user_joined': (visit: ChannelVisit) => void
  'channel:user_left': (visit: ChannelVisit) => void
  'channel:typing': (visit: ChannelVisit) => void
  'channel:stop_typing': (visit: ChannelVisit) => void
  'channel:unread': (unread: Unread) => void
  'notification:new': (notification: Notification) => void
  'channel:removed': (removal: { channelId: string }) => void
  'task:created': (task: Task & Caused) => void
  'task:updated': (task: Task & Caused) => void
  'task:moved': (task: Task & Caused) => void
  'task:deleted': (deletion: { taskId: string; projectId: string; seq: number } & Caused) => void
  'project:changed': (change: { projectId: string; seq: number }) => void
  'project:removed': (removal: { projectId: string }) => void
  'presence:online': (visitor: { userId: string; userName: string }) => void
  'presence:offline': (visitor: { userId: string }) => void
}
