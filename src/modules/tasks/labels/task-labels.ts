import { and, eq, inArray } from 'drizzle-orm'
import type { Queries } from '../../../db/database.js'
import { labels, taskLabels } from '../../../db/schema/labels.js'
import { invalid, refuse } from '../../../errors.js'
import { type ChangedIds, difference } from '../changes/id-set.js'
import { MOST_LABELS } from '../tasks.contract.js'

interface TaskPlace {
  id: string
  workspaceId: string
}

/**
 * Puts one set of labels in the place of another.
 * @throws LABEL_NOT_FOUND when a new one is not of the task's workspace
 */
export async function replaceLabels(
  tx: Queries,
  { id: taskId, workspaceId }: TaskPlace,
  change: ChangedIds,
): Promise<void> {
  const { after, path } = change
  if (after.length > MOST_LABELS) throw invalid(path, `takes ${MOST_LABELS} labels at most`)
  const { gone, fresh } = difference(change)
  if (gone.length > 0) {
    await tx.delete(taskLabels).where(and(eq(taskLabels.taskId, taskId), inArray(taskLabels.labelId, gone)))
  }
  if (fresh.length === 0) return
  await refuseUnknown(tx, workspaceId, fresh, path)
  await tx.insert(taskLabels).values(fresh.map(labelId => ({ workspaceId, taskId, labelId })))
}

async function refuseUnknown(tx: Queries, workspaceId: string, labelIds: string[], path: string) {
  const found = await tx
    .select({ id: labels.id })
    .from(labels)
    .where(and(eq(labels.workspaceId, workspaceId), inArray(labels.id, labelIds)))
  const unknown = labelIds.filter(labelId => found.every(({ id }) => id !== labelId))
  if (unknown.length === 0) return
  const message = `no label of the workspace: ${unknown.join(', ')}`
  throw refuse('LABEL_NOT_FOUND', { errors: [{ path, message }] })
}
