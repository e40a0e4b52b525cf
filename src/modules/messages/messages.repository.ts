import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, asc, eq, gt, inArray, isNull, sql } from 'drizzle-orm'
import { z } from 'zod'
import { seesChannel } from '../../access/visibility.js'
import { decodeCursor, encodeCursor } from '../../cursor.js'
import { Database, type Queries } from '../../db/database.js'
import { channels, messageMentions, messageReactions, messages } from '../../db/schema/chat.js'
import { users, workspaceMembers } from '../../db/schema/people.js'
import { refuse } from '../../errors.js'
import { type Page, type PageQuery, toPage } from '../../pagination.js'
import { changesSince } from '../../realtime/changes.js'
import { lockChannel } from '../channels/lock-channel.js'
import { mentionedNames } from './mentions.js'
import { oneMessage, reactedRow, selectMessages } from './message-row.js'
import type { Message, MessageChanges, Reacted } from './messages.contract.js'
import { stepChannel } from './step-channel.js'
import { linkedTasks, removeLinks, replaceLinks } from './task-links/linked-tasks.js'
import { taskKeysIn } from './task-links/task-keys.js'

interface Place {
  id: string
  workspaceId: string
}

@Repository()
export class MessagesRepository {
  @Autowired(Database) private db!: Database
  async byId(messageId: string): Promise<Message | undefined> {
    const [found] = await selectMessages(this.db.query).where(eq(messages.id, messageId))
    return found
  }

  /** What changed in a channel since; it was read before, so that its sequence is never ahead of the rows. */
  changes({ id, lastSeq }: { id: string; lastSeq: number }, since: number): Promise<MessageChanges> {
    return changesSince(since, lastSeq, {
      rows: limit => this.changedSince(id, since, limit),
      sizes: limit => this.sizesSince(id, since, limit),
    })
  }

  changedSince(channelId: string, since: number, limit: number): Promise<Message[]> {
    return selectMessages(this.db.query)
      .where(and(eq(messages.channelId, channelId), gt(messages.seq, since)))
      .orderBy(asc(messages.seq))
      .limit(limit)
  }

  /** Where each of some channels stands. */
  standings(channelIds: readonly string[]): Promise<{ id: string; lastSeq: number }[]> {
    return this.db.query
      .select({ id: channels.id, lastSeq: channels.lastSeq })
      .from(channels)
      .where(sql`${channels.id} = any(${sql.param(channelIds)}::uuid[])`)
  }

  /** A page of a thread: its first message, then the replies by position; `messageId` is any of them. */
  async thread(messageId: string, { limit, cursor }: PageQuery): Promise<Page<Message>> {
    const rootId = sql`(select coalesce(parent_id, id) from ${messages} where id = ${messageId})`
    const [after] = cursor ? decodeCursor('thread', z.tuple([z.int()]), cursor) : []
    const first =
      after === undefined ? await selectMessages(this.db.query).where(eq(messages.id, rootId)) : []
    const replies = await selectMessages(this.db.query)
      .where(
        and(eq(messages.parentId, rootId), after === undefined ? undefined : gt(messages.position, after)),
      )
      .orderBy(asc(messages.position))
      .limit(limit + 1 - first.length)
    return toPage([...first, ...replies], limit, last => encodeCursor('thread', [last.position]))
  }

  edit({ id: channelId, workspaceId }: Place, messageId: string, content: string): Promise<Message> {
    return this.db.write(async tx => {
      const seq = await stepChannel(tx, channelId)
      const mentions = await mentioned(tx, channelId, content)
      const keys = sql`${sql.param(taskKeysIn(content))}::text[]`
      const links = linkedTasks({
        keys,
        workspaceId: sql`${workspaceId}`,
        authorId: sql`${messages.senderId}`,
      })
      const [edited] = await tx
        .update(messages)
        .set({ content, mentions, tasks: links, seq, editedAt: now, updatedAt: now })
        .where(and(eq(messages.id, messageId), isNull(messages.deletedAt)))
        .returning({ position: messages.position, tasks: messages.tasks, sentAt: messages.createdAt })
      if (!edited) throw refuse('MESSAGE_DELETED')
      const { position, tasks, sentAt } = edited
      await replaceMentions(tx, { channelId, position }, mentions)
      await replaceLinks(tx, { workspaceId, channelId, messageId, sentAt }, tasks)
      return oneMessage(tx, messageId)
    })
  }

  /**
   * Leaves a tombstone; undefined when there was one already, and then no sequence is spent.
   * @returns with it the first message of its thread, where it was a reply
   */
  softDelete(channelId: string, messageId: string): Promise<Gone | undefined> {
    return this.db.write(async tx => {
      await lockChannel(tx, channelId)
      const [deleted] = await tx
        .update(messages)
        .set({ deletedAt: now, updatedAt: now, reactions: [], tasks: [] })
        .where(and(eq(messages.id, messageId), isNull(messages.deletedAt)))
        .returning({ parentId: messages.parentId })
      if (!deleted) return undefined
      await tx.delete(messageReactions).where(eq(messageReactions.messageId, messageId))
      await removeLinks(tx, { channelId, messageId })
      const seq = await stepChannel(tx, channelId)
      await tx.update(messages).set({ seq }).where(eq(messages.id, messageId))
      const root = deleted.parentId === null ? undefined : await shrinkThread(tx, channelId, deleted.parentId)
      return { message: await oneMessage(tx, messageId), root }
    })
  }

  private async sizesSince(channelId: string, since: number, limit: number): Promise<number[]> {
    const rows = await this.db.query
      .select({
        bytes: sql<number>`octet_length(${messages.content}) + octet_length(${messages.reactions}::text)`,
      })
      .from(messages)
      .where(and(eq(messages.channelId, channelId), gt(messages.seq, since)))
      .orderBy(asc(messages.seq))
      .limit(limit)
    return rows.map(({ bytes }) => bytes)
  }
}

interface Gone {
  message: Message
  root: Reacted | undefined
}

const now = sql`clock_timestamp()`

async function mentioned(tx: Queries, channelId: string, content: string): Promise<string[]> {
  const names = mentionedNames(content)
  if (!names.length) return []
  const found = await tx
    .select({ id: users.id })
    .from(users)
    .innerJoin(workspaceMembers, eq(workspaceMembers.userId, users.id))
    .innerJoin(channels, eq(channels.workspaceId, workspaceMembers.workspaceId))
    .where(and(eq(channels.id, channelId), inArray(users.username, names), seesChannel))
  return found.map(({ id }) => id)
}

async function replaceMentions(
  tx: Queries,
  place: { channelId: string; position: number },
  userIds: string[],
) {
  const { channelId, position } = place
  await tx
    .delete(messageMentions)
    .where(and(eq(messageMentions.channelId, channelId), eq(messageMentions.position, position)))
  if (userIds.length) await tx.insert(messageMentions).values(userIds.map(userId => ({ ...place, userId })))
}

/** One reply fewer: the first message of the thread takes a number of its own, as when one more was sent. */
async function shrinkThread(tx: Queries, channelId: string, rootId: string): Promise<Reacted | undefined> {
  const seq = await stepChannel(tx, channelId)
  const lastReplyAt = sql`(select created_at from ${messages} reply where parent_id = ${rootId} and deleted_at is null
    order by position desc limit 1)`
  const [root] = await tx
    .update(messages)
    .set({ seq, lastReplyAt, replyCount: sql`${messages.replyCount} - 1` })
    .where(eq(messages.id, rootId))
    .returning(reactedRow)
  return root
}
