import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, asc, desc, eq, gt, lt, type Placeholder, type Query, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { isSeenChannel } from '../../access/visibility.js'
import { decodeCursor, encodeCursor } from '../../cursor.js'
import { Database } from '../../db/database.js'
import { jsonRows } from '../../db/json-rows.js'
import { messages } from '../../db/schema/chat.js'
import { instantInput } from '../../fields.contract.js'
import { JsonPage } from '../../json-page.js'
import { toPage } from '../../pagination.js'
import { messageRow, selectMessages } from './message-row.js'
import type { listMessages } from './messages.contract.js'

type HistoryQuery = z.output<typeof listMessages.query>

interface HistoryPage<Id> {
  channelId: Id
  readerId: Id
  /** The position that is the last one before the page. */
  beyond: number | SQL | Placeholder
  limit: number
}

const MESSAGE_KEYS = Object.keys(messageRow)
const POSITION = MESSAGE_KEYS.indexOf('position')

/** Any page, for a statement that is built before somebody asks for one. */
const anyPage = {
  channelId: sql.placeholder('channelId'),
  readerId: sql.placeholder('readerId'),
  beyond: sql.placeholder('beyond'),
}

/** What is asked most of all: the pages of channels, in one statement each. */
@Repository()
export class HistoryRepository {
  @Autowired(Database) private db!: Database
  /** The statements of pages, by order and size. */
  private readonly pages = new Map<string, Query>()

  /**
   * A page of a channel's history, tombstones included, by position. It is empty where the reader does not see the
   * channel: what is asked most costs one statement.
   */
  async page(readerId: string, channelId: string, { limit, cursor, sort }: HistoryQuery) {
    const time = cursor === undefined ? undefined : instantInput.safeParse(cursor).data
    const beyond = time === undefined ? positionOf(sort, cursor) : edge(channelId, sort, time)
    const page = { channelId, readerId, beyond, limit: limit + 1 }
    const statement = time === undefined ? this.anyPageOf(sort, page.limit) : this.pageOf(sort, page).toSQL()
    const { fields, rows } = await this.db.textRows(statement, page)
    const { items, meta } = toPage(rows, limit, last => encodeCursor(sort, [Number(last[POSITION])]))
    return new JsonPage(jsonRows(MESSAGE_KEYS, { fields, rows: items }), meta)
  }

  private anyPageOf(sort: HistoryQuery['sort'], limit: number): Query {
    const name = `${sort} ${limit}`
    const statement = this.pages.get(name) ?? this.pageOf(sort, { ...anyPage, limit }).toSQL()
    this.pages.set(name, statement)
    return statement
  }

  private pageOf(sort: HistoryQuery['sort'], page: HistoryPage<string> | HistoryPage<Placeholder>) {
    const { channelId, readerId, beyond, limit } = page
    const [further, order] = sort === 'createdAt' ? [gt, asc] : [lt, desc]
    const isIn = and(eq(messages.channelId, channelId), further(messages.position, beyond))
    return selectMessages(this.db.query)
      .where(and(isIn, isSeenChannel(channelId, readerId)))
      .orderBy(order(messages.position))
      .limit(limit)
  }
}

/** What a cursor holds; without one, what lies before the first row. */
function positionOf(sort: HistoryQuery['sort'], cursor: string | undefined): number {
  if (cursor !== undefined) return decodeCursor(sort, z.tuple([z.int()]), cursor)[0]
  return sort === 'createdAt' ? 0 : Number.MAX_SAFE_INTEGER
}

/** For the articles' form of a cursor, a time: the last position before the page, found in the index, whatever the depth. */
function edge(channelId: string, sort: HistoryQuery['sort'], time: string): SQL {
  return sort === 'createdAt'
    ? sql`coalesce((select position from ${messages} where channel_id = ${channelId} and created_at <= ${time}
        order by created_at desc, position desc limit 1), 0)`
    : sql`coalesce((select position from ${messages} where channel_id = ${channelId} and created_at >= ${time}
        order by created_at, position limit 1), ${Number.MAX_SAFE_INTEGER})`
}
