import { sql } from 'drizzle-orm'
import { messages } from '../../db/schema/chat.js'
import { users } from '../../db/schema/people.js'

/** A message as clients see it, selected from `messages` joined with its sender in `users`. */
export const messageRow = {
  messageId: messages.id,
  channelId: messages.channelId,
  senderId: messages.senderId,
  senderName: sql<string>`${users.firstName} || ' ' || ${users.lastName}`,
  content: sql<string>`case when ${messages.deletedAt} is null then ${messages.content} else '' end`,
  mentions: messages.mentions,
  parentId: messages.parentId,
  reactions: messages.reactions,
  isEdited: sql<boolean>`${messages.editedAt} is not null`,
  createdAt: messages.createdAt,
  updatedAt: messages.updatedAt,
  deletedAt: messages.deletedAt,
  position: messages.position,
  seq: messages.seq,
}
