import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, asc, desc, eq, gt, lt, type SQL, sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import type { Asker } from '../../access/asker.js'
import { seesActivity, workspaceIsOpen } from '../../access/visibility.js'
import { decodeCursor, encodeCursor } from '../../cursor.js'
import { Database } from '../../db/database.js'
import { personColumns } from '../../db/person-columns.js'
import { channels } from '../../db/schema/chat.js'
import { comments } from '../../db/schema/comments.js'
import { activities } from '../../db/schema/feed.js'
import { users, workspaceMembers, workspaces } from '../../db/schema/people.js'
import { projects } from '../../db/schema/work.js'
import { seq } from '../../fields.contract.js'
import { type Page, type PageQuery, toPage } from '../../pagination.js'
import type { Changes } from '../../realtime/changes.contract.js'
import { changesSince } from '../../realtime/changes.js'
import type { Activity } from './activity.contract.js'

/** The most characters that are told of one text. */
const LONGEST_TEXT = 1_000
/** So few bytes of fields are not looked into for long texts. */
const FEW_BYTES = 2_000

/** What the text of a deleted comment was is told by nothing any more. */
const withoutDeleted = (fields: AnyPgColumn) => sql`case
  when ${activities.type} like 'comment.%' and exists (select 1 from ${comments}
    where ${comments.id} = (${fields} ->> 'commentId')::uuid and ${comments.deletedAt} is not null)
  then ${fields} - 'content' else ${fields} end`

/** Long texts are cut: here one reads that they changed, and in the thing itself what they are. */
const fieldsOf = (fields: AnyPgColumn) => sql<Activity['before']>`(
  select case when octet_length(told::text) <= ${FEW_BYTES} then told else (
    select jsonb_object_agg(key, case
      when jsonb_typeof(value) = 'string' and length(value #>> '{}') > ${LONGEST_TEXT}::int
      then to_jsonb(left(value #>> '{}', ${LONGEST_TEXT}::int) || '…') else value end)
    from jsonb_each(told)) end
  from (select ${withoutDeleted(fields)} as told) shown)`

/** An activity as clients see it, selected from `activities` joined (left) with its actor in `users`. */
const activityRow = {
  id: activities.id,
  seq: activities.seq,
  workspaceId: activities.workspaceId,
  type: activities.type,
  actor: personColumns,
  projectId: activities.projectId,
  taskId: activities.taskId,
  channelId: activities.channelId,
  before: fieldsOf(activities.before),
  after: fieldsOf(activities.after),
  createdAt: activities.createdAt,
}

/** A workspace, and how far its sequence has come. */
interface Standing {
  id: string
  lastSeq: number
}

/** Reads the log; `record-activity.ts` writes it. */
@Repository()
export class ActivityRepository {
  @Autowired(Database) private db!: Database

  /** What this reader sees of a workspace's activity, the latest first. */
  forWorkspace(reader: Asker, workspaceId: string, query: PageQuery): Promise<Page<Activity>> {
    return this.page(reader, eq(activities.workspaceId, workspaceId), query)
  }

  forProject(reader: Asker, projectId: string, query: PageQuery): Promise<Page<Activity>> {
    return this.page(reader, eq(activities.projectId, projectId), query)
  }

  forTask(reader: Asker, taskId: string, query: PageQuery): Promise<Page<Activity>> {
    return this.page(reader, eq(activities.taskId, taskId), query)
  }

  /** What this reader missed since; the workspace was read before, so that its sequence is never ahead of the rows. */
  changes(reader: Asker, { id, lastSeq }: Standing, since: number): Promise<Changes<Activity>> {
    const missed = and(eq(activities.workspaceId, id), gt(activities.seq, since))
    return changesSince(since, lastSeq, {
      rows: limit => this.seen(reader, missed).orderBy(asc(activities.seq)).limit(limit),
      sizes: limit => this.sizes(missed, limit),
    })
  }

  /** The first activities since, whoever may see them. */
  since(workspaceId: string, since: number, limit: number): Promise<Activity[]> {
    return this.db.query
      .select(activityRow)
      .from(activities)
      .leftJoin(users, eq(users.id, activities.actorId))
      .where(and(eq(activities.workspaceId, workspaceId), gt(activities.seq, since)))
      .orderBy(asc(activities.seq))
      .limit(limit)
  }

  /** Where each of some workspaces stands. */
  standings(workspaceIds: readonly string[]): Promise<Standing[]> {
    return this.db.query
      .select({ id: workspaces.id, lastSeq: workspaces.lastSeq })
      .from(workspaces)
      .where(sql`${workspaces.id} = any(${sql.param(workspaceIds)}::uuid[])`)
  }

  /** Who, among some users, may see each of some activities: their ids by its sequence. */
  async readersOf(
    workspaceId: string,
    seqs: readonly number[],
    userIds: readonly string[],
  ): Promise<Map<number, readonly string[]>> {
    const ofThese = sql`${activities.seq} = any(${sql.param(seqs)}::bigint[])`
    const toThem = sql`${workspaceMembers.userId} = any(${sql.param(userIds)}::uuid[])`
    const found = await this.db.query
      .select({ seq: activities.seq, readers: sql<string[]>`json_agg(${workspaceMembers.userId})` })
      .from(activities)
      .innerJoin(workspaces, eq(workspaces.id, activities.workspaceId))
      .innerJoin(workspaceMembers, eq(workspaceMembers.workspaceId, workspaces.id))
      .leftJoin(projects, eq(projects.id, activities.projectId))
      .leftJoin(channels, eq(channels.id, activities.channelId))
      .where(and(eq(workspaces.id, workspaceId), ofThese, toThem, workspaceIsOpen, seesActivity))
      .groupBy(activities.seq)
    return new Map(found.map(({ seq, readers }) => [seq, readers]))
  }

  private async page(reader: Asker, place: SQL, { limit, cursor }: PageQuery): Promise<Page<Activity>> {
    const last = cursor === undefined ? undefined : decodeCursor('activity', z.tuple([seq]), cursor)
    const rows = await this.seen(reader, and(place, last && lt(activities.seq, last[0])))
      .orderBy(desc(activities.seq))
      .limit(limit + 1)
    return toPage(rows, limit, activity => encodeCursor('activity', [activity.seq]))
  }

  private seen({ id: readerId }: Asker, condition: SQL | undefined) {
    return this.db.query
      .select(activityRow)
      .from(activities)
      .innerJoin(workspaces, eq(workspaces.id, activities.workspaceId))
      .innerJoin(
        workspaceMembers,
        and(eq(workspaceMembers.workspaceId, workspaces.id), eq(workspaceMembers.userId, readerId)),
      )
      .leftJoin(projects, eq(projects.id, activities.projectId))
      .leftJoin(channels, eq(channels.id, activities.channelId))
      .leftJoin(users, eq(users.id, activities.actorId))
      .where(and(condition, workspaceIsOpen, seesActivity))
      .$dynamic()
  }

  /** Of all of them, whoever sees them: so it is known soon that there are too many, also for one who sees few. */
  private async sizes(condition: SQL | undefined, limit: number): Promise<number[]> {
    const rows = await this.db.query
      .select({ bytes: sql<number>`${bytesOf(activities.before)} + ${bytesOf(activities.after)}` })
      .from(activities)
      .where(condition)
      .orderBy(asc(activities.seq))
      .limit(limit)
    return rows.map(({ bytes }) => bytes)
  }
}

const bytesOf = (fields: AnyPgColumn) => sql`coalesce(octet_length(${fields}::text), 0)`
