import { type SQL, sql } from 'drizzle-orm'
import { seesProject } from '../../../access/visibility.js'
import type { Queries } from '../../../db/database.js'
import { workspaceMembers } from '../../../db/schema/people.js'
import { projects, taskAssignees, tasks } from '../../../db/schema/work.js'
import { someTasks } from '../task-row.js'
import type { Task } from '../tasks.contract.js'

interface Membership {
  workspaceId: string
  userId: string
}

/**
 * Takes somebody who is about to leave a workspace off all its tasks. Under the lock of the workspace.
 * @returns the tasks that changed by it
 */
export function releaseTasks(tx: Queries, membership: Membership): Promise<Task[]> {
  return release(tx, membership, sql`true`)
}

/** The same for the tasks of projects that he does not see any more: after his role or his place was changed. */
export function releaseHiddenTasks(tx: Queries, membership: Membership): Promise<Task[]> {
  const { workspaceId, userId } = membership
  const isHidden = sql`not exists (
    select 1 from ${projects} join ${workspaceMembers}
      on ${workspaceMembers.workspaceId} = ${workspaceId} and ${workspaceMembers.userId} = ${userId}
    where ${projects.id} = t.project_id and ${seesProject})`
  return release(tx, membership, isHidden)
}

/** Each task takes the next number of its project's sequence, so that live boards find out. */
async function release(tx: Queries, { workspaceId, userId }: Membership, condition: SQL): Promise<Task[]> {
  const { rows } = await tx.execute<{ id: string }>(sql`
    with freed as (
      delete from ${taskAssignees} a using ${tasks} t
      where a.workspace_id = ${workspaceId} and a.user_id = ${userId} and t.id = a.task_id and ${condition}
      returning a.task_id
    ), changed as (
      select t.id, t.project_id, row_number() over (partition by t.project_id order by t.seq) as place
      from ${tasks} t join freed on freed.task_id = t.id join ${projects} p on p.id = t.project_id
      where t.deleted_at is null and p.deleted_at is null
    ), stepped as (
      update ${projects} set last_seq = last_seq + counted.changes
      from (select project_id, count(*) as changes from changed group by project_id) counted
      where ${projects.id} = counted.project_id
      returning ${projects.id} as id, last_seq - counted.changes as base
    )
    update ${tasks} set seq = stepped.base + changed.place, version = version + 1, updated_at = clock_timestamp()
    from changed join stepped on stepped.id = changed.project_id
    where ${tasks.id} = changed.id
    returning ${tasks.id} as id`)
  return someTasks(
    tx,
    rows.map(({ id }) => id),
  )
}
