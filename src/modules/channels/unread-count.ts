import { type SQL, sql } from 'drizzle-orm'
import { literal } from '../../db/dialect.js'
import { channelReads, channels, messageMentions, messages } from '../../db/schema/chat.js'
import { workspaceMembers } from '../../db/schema/people.js'
import { UNREAD_CAP } from './channels.contract.js'

// Recounted from the index each time, never incremented: a count that nobody keeps cannot be wrong.
// Both stand in a statement that joins `channels`, the reader's `workspace_members` and his `channel_reads`.

const readMark = sql`coalesce(${channelReads.lastReadSeq}, 0)`

/** How many messages of others came after the read mark and still stand. */
export const unreadCount: SQL<number> = sql<number>`(
  select count(*) from (
    select 1 from ${messages} where ${messages.channelId} = ${channels.id} and ${messages.position} > ${readMark}
      and ${messages.deletedAt} is null and ${messages.senderId} <> ${workspaceMembers.userId}
    limit ${literal(UNREAD_CAP)}
  ) unread)`

/** How many of them mention the reader. */
export const mentionCount: SQL<number> = sql<number>`(
  select count(*) from (
    select 1 from ${messageMentions}
    join ${messages} on ${messages.channelId} = ${messageMentions.channelId} and ${messages.position} = ${messageMentions.position}
    where ${messageMentions.channelId} = ${channels.id} and ${messageMentions.userId} = ${workspaceMembers.userId}
      and ${messageMentions.position} > ${readMark}
      and ${messages.deletedAt} is null and ${messages.senderId} <> ${workspaceMembers.userId}
    limit ${literal(UNREAD_CAP)}
  ) mentioning)`
