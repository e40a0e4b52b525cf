import { sql } from 'drizzle-orm'
import type { Queries } from '../../../db/database.js'
import { tasks } from '../../../db/schema/work.js'
import { type ErrorCode, refuse } from '../../../errors.js'

const DEEPEST = 5
/** Above every depth there is: the queries end even if a loop got into the data by hand. */
const BOUND = 2 * DEEPEST

/** A task, which has no id where it is new, and the parent that it shall have. `path` is where that is named. */
export interface Descent {
  id?: string
  parentTaskId: string
  path: string
}

interface Found {
  depth: number
  height: number
  loops: boolean
}

/**
 * Refuses parents that are not in the project of the tasks, that are the task itself or below it, or under
 * which the task (with its own subtasks, as they stand; a new one has none) would stand too deep. Under the
 * lock of the workspace, so that two moves cannot close a loop between them.
 */
export async function refuseWrongParents(
  tx: Queries,
  projectId: string,
  descents: readonly Descent[],
): Promise<void> {
  if (descents.length === 0) return
  const found = await descentsIn(tx, projectId, descents)
  for (const [index, { path }] of descents.entries()) {
    const { depth = 0, height = 0, loops = false } = found[index] ?? {}
    if (depth === 0) throw wrong('PARENT_NOT_FOUND', path, 'is no task of this project')
    if (loops) throw wrong('PARENT_LOOP', path, 'is the task itself or one below it')
    if (depth + height > DEEPEST)
      throw wrong('PARENT_TOO_DEEP', path, `leads more than ${DEEPEST} levels deep`)
  }
}

async function descentsIn(tx: Queries, projectId: string, descents: readonly Descent[]): Promise<Found[]> {
  const { rows } = await tx.execute<Found & Record<string, unknown>>(sql`
    with recursive moved as (
      select * from unnest(
        ${sql.param(descents.map(({ id }) => id ?? null))}::uuid[],
        ${sql.param(descents.map(({ parentTaskId }) => parentTaskId))}::uuid[]
      ) with ordinality as moved (id, parent_task_id, place)
    ), above as (
      select place, t.id, t.parent_task_id, 1 as level
      from moved join ${tasks} t on t.id = moved.parent_task_id
      where t.project_id = ${projectId} and t.deleted_at is null
      union all
      select place, t.id, t.parent_task_id, level + 1 from ${tasks} t join above on t.id = above.parent_task_id
      where level < ${BOUND}
    ), below as (
      select place, id, 0 as level from moved where id is not null
      union all
      select place, t.id, level + 1 from ${tasks} t join below on t.parent_task_id = below.id
      where t.deleted_at is null and level < ${BOUND}
    )
    select (select count(*) from above where above.place = moved.place) as depth,
      (select coalesce(max(level), 0) from below where below.place = moved.place) as height,
      exists (select 1 from above where above.place = moved.place and above.id = moved.id) as loops
    from moved order by place`)
  return rows
}

function wrong(code: ErrorCode, path: string, message: string) {
  return refuse(code, { errors: [{ path, message }] })
}
