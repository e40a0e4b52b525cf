import { sql } from 'drizzle-orm'
import type { Queries } from '../../../db/database.js'
import { projects, taskAssignees, tasks } from '../../../db/schema/work.js'

/**
 * Takes somebody who leaves a workspace off all its tasks, each of which changes: it takes the next
 * number of its project's sequence, so that live boards find out. Under the lock of the workspace.
 */
export async function releaseTasks(
  tx: Queries,
  { workspaceId, userId }: { workspaceId: string; userId: string },
): Promise<void> {
  await tx.execute(sql`
    with freed as (
      delete from ${taskAssignees} where workspace_id = ${workspaceId} and user_id = ${userId} returning task_id
    ), changed as (
      select t.id, t.project_id, row_number() over (partition by t.project_id order by t.seq) as place
      from ${tasks} t join freed on freed.task_id = t.id where t.deleted_at is null
    ), stepped as (
      update ${projects} set last_seq = last_seq + counted.changes
      from (select project_id, count(*) as changes from changed group by project_id) counted
      where ${projects.id} = counted.project_id
      returning ${projects.id} as id, last_seq - counted.changes as base
    )
    update ${tasks} set seq = stepped.base + changed.place, version = version + 1, updated_at = clock_timestamp()
    from changed join stepped on stepped.id = changed.project_id
    where ${tasks.id} = changed.id`)
}
