import { sql } from 'drizzle-orm'
import { messageReactions, messages } from '../../db/schema/chat.js'
import { users } from '../../db/schema/people.js'
import type { Message } from './messages.contract.js'

const reactions = sql<Message['reactions']>`coalesce((
  select json_agg(json_build_object('emoji', r.emoji, 'count', r.count, 'userIds', r.user_ids) order by r.first_at)
  from (
    select emoji, count(*)::int as count, json_agg(user_id order by created_at) as user_ids, min(created_at) as first_at
    from ${messageReactions} where ${messageReactions.messageId} = ${messages.id} group by emoji
  ) r), '[]')`

/** A message as clients see it, selected from `messages` joined with its sender in `users`. */
export const messageRow = {
  messageId: messages.id,
  channelId: messages.channelId,
  senderId: messages.senderId,
  senderName: sql<string>`${users.firstName} || ' ' || ${users.lastName}`,
  content: sql<string>`case when ${messages.deletedAt} is null then ${messages.content} else '' end`,
  mentions: messages.mentions,
  parentId: messages.parentId,
  reactions,
  isEdited: sql<boolean>`${messages.editedAt} is not null`,
  createdAt: messages.createdAt,
  updatedAt: messages.updatedAt,
  deletedAt: messages.deletedAt,
  position: messages.position,
  seq: messages.seq,
}
