import { sql } from 'drizzle-orm'
import type { Queries } from '../../../db/database.js'
import { tasks } from '../../../db/schema/work.js'
import { type ErrorCode, refuse } from '../../../errors.js'

const DEEPEST = 5
/** Above every depth there is: the queries end even if a loop got into the data by hand. */
const BOUND = 2 * DEEPEST

/**
 * Refuses a parent that is not in the task's project, that is the task itself or below it, or under
 * which the task (with its own subtasks; a new one has none) would stand too deep. Under the lock of
 * the workspace, so that two moves cannot close a loop between them.
 */
export async function refuseWrongParent(
  tx: Queries,
  task: { id?: string; projectId: string },
  parentTaskId: string,
): Promise<void> {
  const id = task.id ?? null
  const { rows } = await tx.execute<{ depth: number; height: number; loops: boolean }>(sql`
    with recursive above as (
      select id, parent_task_id, 1 as level from ${tasks}
      where id = ${parentTaskId} and project_id = ${task.projectId} and deleted_at is null
      union all
      select t.id, t.parent_task_id, level + 1 from ${tasks} t join above on t.id = above.parent_task_id
      where level < ${BOUND}
    ), below as (
      select id, 0 as level from ${tasks} where id = ${id}
      union all
      select t.id, level + 1 from ${tasks} t join below on t.parent_task_id = below.id
      where t.deleted_at is null and level < ${BOUND}
    )
    select (select count(*) from above) as depth, (select coalesce(max(level), 0) from below) as height,
      exists (select 1 from above where id = ${id}) as loops`)
  const { depth = 0, height = 0, loops = false } = rows[0] ?? {}
  if (depth === 0) throw wrong('PARENT_NOT_FOUND', 'is no task of this project')
  if (loops) throw wrong('PARENT_LOOP', 'is the task itself or one below it')
  if (depth + height > DEEPEST) throw wrong('PARENT_TOO_DEEP', `leads more than ${DEEPEST} levels deep`)
}

function wrong(code: ErrorCode, message: string) {
  return refuse(code, { errors: [{ path: 'body.parentTaskId', message }] })
}
