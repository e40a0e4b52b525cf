import { z } from 'zod'
import { content, instant, seq, uuid } from '../../fields.contract.js'
import type { Unread } from '../channels/channels.contract.js'
import { draft, MESSAGE_LENGTH, type Message, message } from '../messages/messages.contract.js'

/** What a client sends with the handshake, as Socket.IO's `auth`. */
export const handshake = z.object({ token: z.string().min(1).max(4096) })
export const authenticate = z.strictObject({ token: z.string().min(1).max(4096) })
export const welcome = z.object({ id: z.string(), userId: uuid, userName: z.string(), expiresAt: instant })
export type Welcome = z.infer<typeof welcome>

const inChannel = { channelId: uuid }

export const joinChannel = z.strictObject({ ...inChannel, since: seq.optional() })
/** `changes` only where `since` was given; `reset` instead of it when there are too many. */
export const joined = z.object({
  lastSeq: seq,
  online: z.array(uuid),
  changes: z.array(message).optional(),
  reset: z.literal(true).optional(),
})
export type Joined = z.infer<typeof joined>

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

/** What the server sends without being asked. */
export interface ServerEvents {
  welcome: (welcome: Welcome) => void
  error: (error: { code: string; message: string }) => void
  'auth:expiring': (notice: { expiresAt: string }) => void
  'message:new': (message: Message) => void
  'message:edited': (
    edit: Pick<Message, 'messageId' | 'channelId' | 'content' | 'mentions' | 'updatedAt' | 'seq'>,
  ) => void
  'message:deleted': (deletion: Pick<Message, 'messageId' | 'channelId' | 'seq'>) => void
  'channel:user_joined': (visit: { channelId: string; userId: string; userName: string }) => void
  'channel:user_left': (visit: { channelId: string; userId: string; userName: string }) => void
  'channel:typing': (visit: { channelId: string; userId: string; userName: string }) => void
  'channel:stop_typing': (visit: { channelId: string; userId: string; userName: string }) => void
  'channel:unread': (unread: Unread) => void
  'channel:removed': (removal: { channelId: string }) => void
  'presence:online': (visitor: { userId: string; userName: string }) => void
  'presence:offline': (visitor: { userId: string }) => void
}
