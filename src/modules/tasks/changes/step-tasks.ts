import { type SQL, sql } from 'drizzle-orm'
import type { Queries } from '../../../db/database.js'
import { projects, tasks } from '../../../db/schema/work.js'

/** A task, and its number in the sequence of its project. */
export interface SteppedTask {
  id: string
  projectId: string
  seq: number
}

/** How far the sequence of a project has come. */
export interface AdvancedProject {
  projectId: string
  lastSeq: number
}

/** Beyond so many tasks of a project at once, whoever shows its board is better off loading it afresh. */
export const MOST_TOLD = 100

/**
 * Gives each of some tasks the next number of its project's sequence, so that live boards find out: one
 * statement, however many tasks and projects it touches. Under the lock of the workspace. What is deleted
 * is left alone.
 * @param touched gives the ids once each, as `task_id`; it may be a write that returns them
 * @param isEdit whether the tasks themselves are edited, so that they get a new version
 */
export async function stepTasks(tx: Queries, touched: SQL, isEdit = false): Promise<SteppedTask[]> {
  const { rows } = await tx.execute<{ id: string; projectId: string; seq: number }>(sql`
    with touched as (${touched}), changed as (
      select t.id, t.project_id, row_number() over (partition by t.project_id order by t.seq) as place
      from ${tasks} t join touched on touched.task_id = t.id join ${projects} p on p.id = t.project_id
      where t.deleted_at is null and p.deleted_at is null
    ), stepped as (
      update ${projects} set last_seq = last_seq + counted.changes,
        board_seq = case when counted.changes > ${MOST_TOLD} then last_seq + counted.changes else board_seq end
      from (select project_id, count(*) as changes from changed group by project_id) counted
      where ${projects.id} = counted.project_id
      returning ${projects.id} as id, last_seq - counted.changes as base,
        date_trunc('milliseconds', clock_timestamp()) as at
    )
    update ${tasks} set seq = stepped.base + changed.place, updated_at = stepped.at,
      version = version + ${Number(isEdit)}
    from changed join stepped on stepped.id = changed.project_id
    where ${tasks.id} = changed.id
    returning ${tasks.id} as id, changed.project_id as "projectId", ${tasks.seq} as seq`)
  return rows
}

/** The projects of tasks that were stepped, and how far each has come by it. */
export function advancedBy(stepped: readonly SteppedTask[]): AdvancedProject[] {
  const reached = new Map<string, number>()
  for (const { projectId, seq } of stepped) reached.set(projectId, Math.max(seq, reached.get(projectId) ?? 0))
  return [...reached].map(([projectId, lastSeq]) => ({ projectId, lastSeq }))
}
