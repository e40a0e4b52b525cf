import { eq, sql } from 'drizzle-orm'
import type { Queries } from '../../db/database.js'
import { oneRow } from '../../db/one-row.js'
import { messages } from '../../db/schema/chat.js'
import { users } from '../../db/schema/people.js'
import type { Message } from './messages.contract.js'

/** A message as clients see it, selected from `messages` joined with its sender in `users`. */
export const messageRow = {
  messageId: messages.id,
  channelId: messages.channelId,
  senderId: messages.senderId,
  senderName: sql<string>`${users.firstName} || ' ' || ${users.lastName}`,
  content: sql<string>`case when ${messages.deletedAt} is null then ${messages.content} else '' end`,
  mentions: messages.mentions,
  tasks: messages.tasks,
  parentId: messages.parentId,
  reactions: messages.reactions,
  replyCount: messages.replyCount,
  lastReplyAt: messages.lastReplyAt,
  isEdited: sql<boolean>`${messages.editedAt} is not null`,
  createdAt: messages.createdAt,
  updatedAt: messages.updatedAt,
  deletedAt: messages.deletedAt,
  position: messages.position,
  seq: messages.seq,
}

/** The part of it that others change by reacting, selected from `messages` alone. */
export const reactedRow = {
  messageId: messages.id,
  channelId: messages.channelId,
  reactions: messages.reactions,
  replyCount: messages.replyCount,
  lastReplyAt: messages.lastReplyAt,
  seq: messages.seq,
}

/** Messages as clients see them, in one statement for any number of rows. */
export function selectMessages(queries: Queries) {
  return queries
    .select(messageRow)
    .from(messages)
    .innerJoin(users, eq(users.id, messages.senderId))
    .$dynamic()
}

/** One that is known to be there. */
export async function oneMessage(queries: Queries, messageId: string): Promise<Message> {
  return oneRow(await selectMessages(queries).where(eq(messages.id, messageId)))
}
