import { z } from 'zod'
import { content, instant, noQuery, queryInteger, seq, uuid } from '../../fields.contract.js'
import { pageQuery } from '../../pagination.js'

/** The most characters that one message may have. */
export const MESSAGE_LENGTH = 40_000

export const reaction = z.object({ emoji: z.string(), count: z.int(), userIds: z.array(uuid) })

/** A message as everybody in its channel sees it; a deleted one stays as a tombstone with empty content. */
export const message = z.object({
  messageId: uuid,
  channelId: uuid,
  senderId: uuid,
  senderName: z.string(),
  content: z.string(),
  mentions: z.array(uuid),
  parentId: uuid.nullable(),
  reactions: z.array(reaction),
  isEdited: z.boolean(),
  createdAt: instant,
  updatedAt: instant,
  deletedAt: instant.nullable(),
  /** The channel's sequence when it was sent: its place in the history. */
  position: seq,
  /** The channel's sequence at its latest change. */
  seq,
})
export type Message = z.infer<typeof message>

const messageParams = z.object({ messageId: uuid })
const channelParams = z.object({ channelId: uuid })

/** `id` is the client's: a retry with the same id gives the same message. */
export const draft = z.strictObject({
  content: content(MESSAGE_LENGTH),
  id: uuid.optional(),
  parentId: uuid.optional(),
})

export const revision = z.strictObject({ content: content(MESSAGE_LENGTH) })

export const listMessages = {
  name: 'listMessages',
  params: channelParams,
  /** `cursor` may also be an ISO time: the messages before it (after it, when sorted ascending). */
  query: pageQuery.extend({ sort: z.enum(['createdAt', '-createdAt']).default('-createdAt') }),
  response: z.array(message),
}
export const sendMessage = {
  name: 'sendMessage',
  params: channelParams,
  body: draft,
  query: noQuery,
  response: message,
}
export const getMessage = { name: 'getMessage', params: messageParams, query: noQuery, response: message }
export const editMessage = {
  name: 'editMessage',
  params: messageParams,
  body: revision,
  query: noQuery,
  response: message,
}
export const deleteMessage = { name: 'deleteMessage', params: messageParams, query: noQuery }

/** What changed in a channel since a sequence number: rows in the order of their latest change, or "load afresh". */
export const messageChanges = z.union([
  z.object({ lastSeq: seq, changes: z.array(message) }),
  z.object({ lastSeq: seq, reset: z.literal(true) }),
])
export type MessageChanges = z.infer<typeof messageChanges>

export const listChanges = {
  name: 'listChannelChanges',
  params: channelParams,
  query: z.strictObject({ since: queryInteger(0, Number.MAX_SAFE_INTEGER) }),
  response: messageChanges,
}
