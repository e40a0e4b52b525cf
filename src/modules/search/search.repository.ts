import { createHash } from 'node:crypto'
import { Autowired, Repository } from '@forinda/kickjs-core'
import { eq, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Asker } from '../../access/asker.js'
import { decodeCursor, encodeCursor } from '../../cursor.js'
import { Database } from '../../db/database.js'
import { personColumns } from '../../db/person-columns.js'
import { attachments } from '../../db/schema/attachments.js'
import { channels, messages } from '../../db/schema/chat.js'
import { comments } from '../../db/schema/comments.js'
import { users } from '../../db/schema/people.js'
import { projects, tasks } from '../../db/schema/work.js'
import { instant, uuid } from '../../fields.contract.js'
import { type Page, toPage } from '../../pagination.js'
import { excerpt, mark } from './excerpts.js'
import { foundHits } from './found-hits.js'
import { type Hit, type HitType, hitTypes, type searchWorkspace } from './search.contract.js'
import { type SearchTerms, searchTerms } from './search-terms.js'

type SearchQuery = z.output<typeof searchWorkspace.query>

const place = z
  .tuple([z.number().min(0).max(1), instant, uuid, instant])
  .transform(([rank, createdAt, id, until]) => ({ rank, createdAt, id, until }))

/** What was found, joined (left) with what it is and where it is. */
const hitRow = {
  type: sql<HitType>`found.type`,
  id: sql<string>`found.id`,
  title: sql<string>`coalesce(${attachments.fileName}, ${channels.name}, ${tasks.title})`,
  text: sql<string | null>`coalesce(${comments.content}, ${messages.content},
    case when found.type = 'task' then ${tasks.description} end)`,
  projectId: tasks.projectId,
  taskId: tasks.id,
  key: sql<string | null>`${projects.key} || '-' || ${tasks.number}`,
  channelId: messages.channelId,
  author: personColumns,
  createdAt: sql<string>`found.created_at`.mapWith(tasks.createdAt),
  rank: sql<number>`found.rank`,
  /** Times are kept to the millisecond, so what was there may be half of one ahead. */
  now: sql<string>`(now() + interval '1 ms')::timestamptz(3)`.mapWith(tasks.createdAt),
}

@Repository()
export class SearchRepository {
  @Autowired(Database) private db!: Database

  /**
   * What a reader sees in a workspace of what he searches for, the best first: one statement.
   * @throws VALIDATION_ERROR for too many words
   */
  async hits(
    { id: readerId }: Asker,
    workspaceId: string,
    { q, type, limit, cursor }: SearchQuery,
  ): Promise<Page<Hit>> {
    const terms = searchTerms(q)
    const types = hitTypes.filter(each => type?.includes(each) ?? true)
    const name = `search ${fingerprint([workspaceId, terms.begun, ...types])}`
    const after = cursor === undefined ? undefined : decodeCursor(name, place, cursor)
    const found = foundHits({ readerId, workspaceId, terms, types, after }, limit + 1)
    const rows = await this.db.query
      .select(hitRow)
      .from(sql`(${found}) found`)
      .leftJoin(comments, sql`found.type = 'comment' and ${comments.id} = found.id`)
      .leftJoin(attachments, sql`found.type = 'attachment' and ${attachments.id} = found.id`)
      .leftJoin(messages, sql`found.type = 'message' and ${messages.id} = found.id`)
      .leftJoin(channels, eq(channels.id, messages.channelId))
      .leftJoin(tasks, eq(tasks.id, taskId))
      .leftJoin(projects, eq(projects.id, tasks.projectId))
      .innerJoin(users, eq(users.id, authorId))
      .orderBy(sql`found.rank desc, found.created_at desc, found.id desc`)
    return toPage(rows, limit, ({ rank, createdAt, id, now }) =>
      encodeCursor(name, [rank, createdAt, id, after?.until ?? now]),
    ).map(row => shown(row, terms))
  }
}

const taskId = sql`coalesce(${comments.taskId}, ${attachments.taskId},
  case when found.type = 'task' then found.id end)`
const authorId = sql`coalesce(${comments.authorId}, ${attachments.uploaderId}, ${messages.senderId},
  ${tasks.reporterId})`

type HitRow = Omit<Hit, 'title' | 'excerpt'> & { title: string; text: string | null; now: string }

function shown({ now, title, text, ...hit }: HitRow, { pattern }: SearchTerms): Hit {
  const part = text === null ? null : excerpt(text, pattern)
  const isTelling = hit.type !== 'task' || part?.highlights.length !== 0
  return { ...hit, title: mark(title, pattern), excerpt: isTelling ? part : null }
}

/** Ranks of another search say nothing about this one, so its cursor is none of this list's. */
function fingerprint(values: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(values)).digest('base64url').slice(0, 16)
}
