import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, asc, desc, eq, gt, inArray, isNull, lt, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { seesChannel } from '../../access/visibility.js'
import { decodeCursor, encodeCursor } from '../../cursor.js'
import { Database, type Queries } from '../../db/database.js'
import { channels, messageMentions, messages } from '../../db/schema/chat.js'
import { users, workspaceMembers } from '../../db/schema/people.js'
import { refuse } from '../../errors.js'
import { instantInput } from '../../fields.contract.js'
import { type Page, toPage } from '../../pagination.js'
import { lockChannel } from '../channels/lock-channel.js'
import { mentionedNames } from './mentions.js'
import { messageRow } from './message-row.js'
import type { listMessages, Message, MessageChanges } from './messages.contract.js'

/** Past this many changes, or bytes of text, a client is better off loading the page afresh. */
const MOST_CHANGES = 500
const MOST_BYTES = 2_000_000
/** So few changes fit into an answer however long they are. */
const FEW_CHANGES = 40

type HistoryQuery = z.output<typeof listMessages.query>

@Repository()
export class MessagesRepository {
  @Autowired(Database) private db!: Database

  async byId(messageId: string): Promise<Message | undefined> {
    const [found] = await select(this.db.query).where(eq(messages.id, messageId))
    return found
  }

  /** A page of a channel's history, tombstones included, by position. */
  async forChannel(channelId: string, { limit, cursor, sort }: HistoryQuery): Promise<Page<Message>> {
    const order = sort === 'createdAt' ? asc(messages.position) : desc(messages.position)
    const rows = await select(this.db.query)
      .where(and(eq(messages.channelId, channelId), cursor ? beyond(channelId, sort, cursor) : undefined))
      .orderBy(order)
      .limit(limit + 1)
    return toPage(rows, limit, last => encodeCursor(sort, [last.position]))
  }

  /**
   * The rows whose latest change is later than `since`, in the order of those changes, and the
   * sequence they lead up to. The channel was read before, so its sequence is never ahead of the rows.
   */
  async changes(channel: { id: string; lastSeq: number }, since: number): Promise<MessageChanges> {
    const { lastSeq } = channel
    if (lastSeq - since > FEW_CHANGES && (await this.isTooMuch(channel.id, since)))
      return { lastSeq, reset: true }
    const changes = await this.changedSince(channel.id, since, MOST_CHANGES + 1)
    const beyondUs = changes.length === 0 && since > lastSeq
    if (beyondUs || changes.length > MOST_CHANGES) return { lastSeq, reset: true }
    return { lastSeq: changes.at(-1)?.seq ?? since, changes }
  }

  changedSince(channelId: string, since: number, limit: number): Promise<Message[]> {
    return select(this.db.query)
      .where(and(eq(messages.channelId, channelId), gt(messages.seq, since)))
      .orderBy(asc(messages.seq))
      .limit(limit)
  }

  /** Where each of some channels stands. */
  lastSeqs(channelIds: readonly string[]): Promise<{ channelId: string; lastSeq: number }[]> {
    return this.db.query
      .select({ channelId: channels.id, lastSeq: channels.lastSeq })
      .from(channels)
      .where(sql`${channels.id} = any(${sql.param(channelIds)}::uuid[])`)
  }

  edit(channelId: string, messageId: string, content: string): Promise<Message> {
    return this.db.write(async tx => {
      const seq = await nextSeq(tx, channelId)
      const mentions = await mentioned(tx, channelId, content)
      const [edited] = await tx
        .update(messages)
        .set({ content, mentions, seq, editedAt: now, updatedAt: now })
        .where(and(eq(messages.id, messageId), isNull(messages.deletedAt)))
        .returning({ position: messages.position })
      if (!edited) throw refuse('MESSAGE_DELETED')
      await replaceMentions(tx, { channelId, position: edited.position }, mentions)
      return one(tx, messageId)
    })
  }

  /** Leaves a tombstone; undefined when there was one already, and then no sequence is spent. */
  softDelete(channelId: string, messageId: string): Promise<Message | undefined> {
    return this.db.write(async tx => {
      await lockChannel(tx, channelId)
      const [deleted] = await tx
        .update(messages)
        .set({ deletedAt: now, updatedAt: now })
        .where(and(eq(messages.id, messageId), isNull(messages.deletedAt)))
        .returning({ id: messages.id })
      if (!deleted) return undefined
      const seq = await nextSeq(tx, channelId)
      await tx.update(messages).set({ seq }).where(eq(messages.id, messageId))
      return one(tx, messageId)
    })
  }

  private async isTooMuch(channelId: string, since: number): Promise<boolean> {
    const size = this.db.query
      .select({ bytes: sql<number>`octet_length(${messages.content})`.as('bytes') })
      .from(messages)
      .where(and(eq(messages.channelId, channelId), gt(messages.seq, since)))
      .orderBy(asc(messages.seq))
      .limit(MOST_CHANGES + 1)
      .as('size')
    const [found] = await this.db.query
      .select({ count: sql<number>`count(*)`, bytes: sql<number>`coalesce(sum(${size.bytes}), 0)` })
      .from(size)
    return found === undefined || found.count > MOST_CHANGES || found.bytes > MOST_BYTES
  }
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

function select(queries: Queries) {
  return queries.select(messageRow).from(messages).innerJoin(users, eq(users.id, messages.senderId))
}

async function one(tx: Queries, messageId: string): Promise<Message> {
  const [found] = await select(tx).where(eq(messages.id, messageId))
  if (!found) throw new Error(`Message ${messageId} vanished during a write`)
  return found
}

/** Steps the channel's sequence, and holds its row until the commit: changes of a channel are in order. */
async function nextSeq(tx: Queries, channelId: string): Promise<number> {
  const [channel] = await tx
    .update(channels)
    .set({ lastSeq: sql`${channels.lastSeq} + 1` })
    .where(eq(channels.id, channelId))
    .returning({ seq: channels.lastSeq })
  if (!channel) throw refuse('CHANNEL_NOT_FOUND')
  return channel.seq
}

/** What lies beyond a cursor: a position, or the articles' form, a time. */
function beyond(channelId: string, sort: HistoryQuery['sort'], cursor: string): SQL | undefined {
  const further = sort === 'createdAt' ? gt : lt
  const time = instantInput.safeParse(cursor)
  if (time.success) return further(messages.position, edge(channelId, sort, time.data))
  const [position] = decodeCursor(sort, z.tuple([z.int()]), cursor)
  return further(messages.position, position)
}

/** The first position that is not beyond a time; found in the index, whatever the depth. */
function edge(channelId: string, sort: HistoryQuery['sort'], time: string): SQL {
  return sort === 'createdAt'
    ? sql`coalesce((select position from ${messages} where channel_id = ${channelId} and created_at <= ${time}
        order by created_at desc, position desc limit 1), 0)`
    : sql`coalesce((select position from ${messages} where channel_id = ${channelId} and created_at >= ${time}
        order by created_at, position limit 1), ${Number.MAX_SAFE_INTEGER})`
}
