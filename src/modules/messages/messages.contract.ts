import { z } from 'zod'
import { content, instant, noQuery, seq, uuid } from '../../fields.contract.js'
import { pageQuery } from '../../pagination.js'
import { type Changes, changesOf, changesQuery } from '../../realtime/changes.contract.js'

/** The most characters that one message may have. */
export const MESSAGE_LENGTH = 40_000

/** `userIds` are the first who reacted so, up to `SHOWN_REACTORS`; `count` is of all. */
export const reaction = z.object({ emoji: z.string(), count: z.int(), userIds: z.array(uuid) })

/** How many of those who reacted with one emoji are named. */
export const SHOWN_REACTORS = 20

/** A task whose key stands in a text; not everybody who reads the text need see the task. */
export const taskLink = z.object({ taskId: uuid, key: z.string() })
export type TaskLink = z.infer<typeof taskLink>

/** A message as everybody in its channel sees it; a deleted one stays as a tombstone with empty content. */
export const message = z.object({
  messageId: uuid,
  channelId: uuid,
  senderId: uuid,
  senderName: z.string(),
  content: z.string(),
  mentions: z.array(uuid),
  tasks: z.array(taskLink),
  parentId: uuid.nullable(),
  reactions: z.array(reaction),
  /** Of the first message of a thread: how many replies stand, and when the last of them was sent. */
  replyCount: z.int(),
  lastReplyAt: instant.nullable(),
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

/** What is told of a message that others reacted to, by emoji or by reply. */
export type Reacted = Pick<
  Message,
  'messageId' | 'channelId' | 'reactions' | 'replyCount' | 'lastReplyAt' | 'seq'
>

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

/** A thread: its first message and the replies, in the order of the history. */
export const listThread = {
  name: 'listThread',
  params: messageParams,
  query: pageQuery,
  response: z.array(message),
}

/** What changed in a channel since a sequence number. */
export const messageChanges = changesOf(message)
export type MessageChanges = Changes<Message>

export const listChanges = {
  name: 'listChannelChanges',
  params: channelParams,
  query: changesQuery,
  response: messageChanges,
}
