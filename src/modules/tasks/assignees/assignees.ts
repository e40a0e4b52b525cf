import { and, eq, inArray } from 'drizzle-orm'
import { seesProject } from '../../../access/visibility.js'
import type { Queries } from '../../../db/database.js'
import { workspaceMembers } from '../../../db/schema/people.js'
import { projects, taskAssignees } from '../../../db/schema/work.js'
import { invalid, refuse } from '../../../errors.js'
import { type ChangedIds, difference } from '../changes/id-set.js'
import type { TaskPlace } from '../changes/record-on-task.js'
import { MOST_ASSIGNEES } from '../tasks.contract.js'

/**
 * Puts one set of assignees in the place of another.
 * @throws NOT_WORKSPACE_MEMBER when a new one does not see the project
 */
export async function replaceAssignees(
  tx: Queries,
  { id: taskId, workspaceId, projectId }: TaskPlace,
  change: ChangedIds,
): Promise<void> {
  const { after, path } = change
  if (after.length > MOST_ASSIGNEES) throw invalid(path, `takes ${MOST_ASSIGNEES} people at most`)
  const { gone, fresh } = difference(change)
  if (gone.length > 0) {
    await tx
      .delete(taskAssignees)
      .where(and(eq(taskAssignees.taskId, taskId), inArray(taskAssignees.userId, gone)))
  }
  if (fresh.length === 0) return
  await refuseStrangers(tx, projectId, fresh, path)
  await tx.insert(taskAssignees).values(fresh.map(userId => ({ workspaceId, taskId, userId })))
}

async function refuseStrangers(tx: Queries, projectId: string, userIds: string[], path: string) {
  const found = await tx
    .select({ userId: workspaceMembers.userId })
    .from(projects)
    .innerJoin(workspaceMembers, eq(workspaceMembers.workspaceId, projects.workspaceId))
    .where(and(eq(projects.id, projectId), inArray(workspaceMembers.userId, userIds), seesProject))
  const seeing = new Set(found.map(({ userId }) => userId))
  const strangers = userIds.filter(userId => !seeing.has(userId))
  if (strangers.length === 0) return
  const message = `nobody who sees the project: ${strangers.join(', ')}`
  throw refuse('NOT_WORKSPACE_MEMBER', { errors: [{ path, message }] })
}
