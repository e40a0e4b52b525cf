import { Autowired, Repository } from '@forinda/kickjs-core'
import { asc, gt, sql } from 'drizzle-orm'
import { Database, type Queries } from '../../db/database.js'
import { dueCounts, projectCounts, statusCounts } from '../../db/schema/counts.js'
import { projects } from '../../db/schema/work.js'

export const counters = ['status', 'due', 'comments', 'attachments'] as const

/** A counter that does not say what a recount does. */
export interface Drift {
  counter: (typeof counters)[number]
  /** Of a column. */
  status: string | null
  /** Of what is due in a month or on a day. */
  span: 'month' | 'day' | null
  startsOn: string | null
  kept: number
  counted: number
}

/** The counters of the statistics, beside what they count. */
@Repository()
export class CountersRepository {
  @Autowired(Database) private db!: Database

  /** The ids of projects, deleted ones too, in their order. */
  async projectsAfter(projectId: string | undefined, limit: number): Promise<string[]> {
    const beyond = projectId === undefined ? undefined : gt(projects.id, projectId)
    const found = await this.db.query
      .select({ id: projects.id })
      .from(projects)
      .where(beyond)
      .orderBy(asc(projects.id))
      .limit(limit)
    return found.map(({ id }) => id)
  }

  /**
   * Compares the counters of a project with a recount, and sets right what differs. Nobody has to wait:
   * both are of one moment, and what a counter was wrong by it stays wrong by, whoever steps it meanwhile.
   * @returns what differed
   */
  async mend(projectId: string): Promise<Drift[]> {
    if ((await drifts(this.db.query, projectId)).length === 0) return []
    return this.db.write(async tx => {
      // Whoever mends at the same time has to see what this one did.
      await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended('counters', 0))`)
      const found = await drifts(tx, projectId)
      await step(tx, projectId, found)
      return found
    })
  }

  /** Removes the counters of days on which nothing is due any more, but for those that somebody is stepping. */
  async removeEmptyDays(projectId: string): Promise<void> {
    await this.db.query.execute(sql`
      delete from ${dueCounts} using (
        select project_id, span, starts_on, status from ${dueCounts} where project_id = ${projectId} and tasks = 0
        for update skip locked
      ) empty
      where (due_counts.project_id, due_counts.span, due_counts.starts_on, due_counts.status)
        = (empty.project_id, empty.span, empty.starts_on, empty.status)`)
  }
}

/** The truth: what the counters of a project have to say. */
const counted = (projectId: string) => sql`
  select 'status' as counter, status, null::due_span as span, null::date as starts_on, count(*) as n from tasks
  where project_id = ${projectId} and deleted_at is null group by status
  union all
  select 'due', status, span, starts_on, count(*) from tasks, due_spans((due_date at time zone 'UTC')::date)
  where project_id = ${projectId} and deleted_at is null and completed_at is null and due_date is not null
  group by status, span, starts_on
  union all
  select 'comments', null, null, null, count(*) from comments c join tasks t on t.id = c.task_id
  where t.project_id = ${projectId} and t.deleted_at is null and c.deleted_at is null
  union all
  select 'attachments', null, null, null, count(*) from attachments a join tasks t on t.id = a.task_id
  where t.project_id = ${projectId} and t.deleted_at is null and a.deleted_at is null`

const kept = (projectId: string) => sql`
  select 'status', status, null::due_span, null::date, tasks from ${statusCounts} where project_id = ${projectId}
  union all
  select 'due', status, span, starts_on, tasks from ${dueCounts} where project_id = ${projectId}
  union all
  select 'comments', null, null, null, comments from ${projectCounts} where project_id = ${projectId}
  union all
  select 'attachments', null, null, null, attachments from ${projectCounts} where project_id = ${projectId}`

/** In the order in which counters are locked. */
async function drifts(queries: Queries, projectId: string): Promise<Drift[]> {
  const { rows } = await queries.execute<Drift & Record<string, unknown>>(sql`
    select counter, status, span, starts_on::text as "startsOn", sum(kept)::int as kept, sum(counted)::int as counted
    from (
      select *, 0 as kept from (${counted(projectId)}) counted (counter, status, span, starts_on, counted)
      union all
      select counter, status, span, starts_on, 0, kept
      from (${kept(projectId)}) kept (counter, status, span, starts_on, kept)
    ) compared
    group by counter, status, span, starts_on having sum(kept) <> sum(counted)
    order by span, starts_on, status`)
  return rows
}

/** By what they were wrong by. */
async function step(tx: Queries, projectId: string, found: readonly Drift[]): Promise<void> {
  const wrong = sql`jsonb_to_recordset(${JSON.stringify(found)}::jsonb) as wrong
    (counter text, status text, span due_span, "startsOn" date, kept integer, counted integer)`
  await tx.execute(sql`
    insert into ${statusCounts} as counts (project_id, status, tasks)
    select ${projectId}::uuid, status, counted - kept from ${wrong} where counter = 'status' order by status
    on conflict (project_id, status) do update set tasks = counts.tasks + excluded.tasks`)
  await tx.execute(sql`
    insert into ${dueCounts} as counts (project_id, span, starts_on, status, tasks)
    select ${projectId}::uuid, span, "startsOn", status, counted - kept from ${wrong} where counter = 'due'
    order by span, "startsOn", status
    on conflict (project_id, span, starts_on, status) do update set tasks = counts.tasks + excluded.tasks`)
  const of = (counter: Drift['counter']) =>
    sql`coalesce(sum(counted - kept) filter (where counter = ${counter}), 0)`
  await tx.execute(sql`
    insert into ${projectCounts} as counts (project_id, comments, attachments)
    select ${projectId}::uuid, ${of('comments')}, ${of('attachments')} from ${wrong}
    on conflict (project_id) do update
    set comments = counts.comments + excluded.comments, attachments = counts.attachments + excluded.attachments`)
}
