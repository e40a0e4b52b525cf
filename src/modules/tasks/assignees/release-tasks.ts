import { type SQL, sql } from 'drizzle-orm'
import { seesProject } from '../../../access/visibility.js'
import type { Queries } from '../../../db/database.js'
import { workspaceMembers } from '../../../db/schema/people.js'
import { projects, taskAssignees, tasks } from '../../../db/schema/work.js'
import { stepTasks } from '../changes/step-tasks.js'
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

async function release(tx: Queries, { workspaceId, userId }: Membership, condition: SQL): Promise<Task[]> {
  const freed = sql`
    delete from ${taskAssignees} a using ${tasks} t
    where a.workspace_id = ${workspaceId} and a.user_id = ${userId} and t.id = a.task_id and ${condition}
    returning a.task_id`
  const stepped = await stepTasks(tx, freed, true)
  return someTasks(
    tx,
    stepped.map(({ id }) => id),
  )
}
