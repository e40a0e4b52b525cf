import { and, eq, inArray, sql } from 'drizzle-orm'
import { seesProject } from '../../../access/visibility.js'
import type { Queries } from '../../../db/database.js'
import { workspaceMembers } from '../../../db/schema/people.js'
import { projects, taskAssignees } from '../../../db/schema/work.js'
import { invalid, refuse } from '../../../errors.js'
import { type ChangedIds, differences, idsOf, isPair, pairRows, unknownIn } from '../changes/id-set.js'
import type { ProjectPlace } from '../changes/record-on-task.js'
import { MOST_ASSIGNEES } from '../tasks.contract.js'

/**
 * Puts one set of assignees in the place of another, of each of some tasks of a project.
 * @throws NOT_WORKSPACE_MEMBER when a new one does not see the project
 */
export async function replaceAssignees(
  tx: Queries,
  { workspaceId, projectId }: ProjectPlace,
  changes: readonly ChangedIds[],
): Promise<void> {
  const crowded = changes.find(({ after }) => after.length > MOST_ASSIGNEES)
  if (crowded) throw invalid(crowded.path, `takes ${MOST_ASSIGNEES} people at most`)
  const { gone, fresh } = differences(changes)
  const { taskId, userId } = taskAssignees
  if (gone.length > 0) await tx.delete(taskAssignees).where(isPair(taskId, userId, gone))
  if (fresh.length === 0) return
  const seeing = await seeingAmong(tx, projectId, idsOf(fresh))
  const errors = unknownIn(fresh, seeing, 'nobody who sees the project')
  if (errors.length > 0) throw refuse('NOT_WORKSPACE_MEMBER', { errors })
  await tx.execute(sql`
    insert into ${taskAssignees} (workspace_id, task_id, user_id)
    select ${workspaceId}::uuid, * from ${pairRows(fresh)}`)
}

async function seeingAmong(tx: Queries, projectId: string, userIds: string[]): Promise<Set<string>> {
  const found = await tx
    .select({ userId: workspaceMembers.userId })
    .from(projects)
    .innerJoin(workspaceMembers, eq(workspaceMembers.workspaceId, projects.workspaceId))
    .where(and(eq(projects.id, projectId), inArray(workspaceMembers.userId, userIds), seesProject))
  return new Set(found.map(({ userId }) => userId))
}
