import { and, eq, inArray, sql } from 'drizzle-orm'
import type { Queries } from '../../../db/database.js'
import { labels, taskLabels } from '../../../db/schema/labels.js'
import { invalid, refuse } from '../../../errors.js'
import { type ChangedIds, differences, idsOf, isPair, pairRows, unknownIn } from '../changes/id-set.js'
import { MOST_LABELS } from '../tasks.contract.js'

/**
 * Puts one set of labels in the place of another, of each of some tasks of a workspace.
 * @throws LABEL_NOT_FOUND when a new one is not of that workspace
 */
export async function replaceLabels(
  tx: Queries,
  { workspaceId }: { workspaceId: string },
  changes: readonly ChangedIds[],
): Promise<void> {
  const crowded = changes.find(({ after }) => after.length > MOST_LABELS)
  if (crowded) throw invalid(crowded.path, `takes ${MOST_LABELS} labels at most`)
  const { gone, fresh } = differences(changes)
  const { taskId, labelId } = taskLabels
  if (gone.length > 0) await tx.delete(taskLabels).where(isPair(taskId, labelId, gone))
  if (fresh.length === 0) return
  const known = await labelsAmong(tx, workspaceId, idsOf(fresh))
  const errors = unknownIn(fresh, known, 'no label of the workspace')
  if (errors.length > 0) throw refuse('LABEL_NOT_FOUND', { errors })
  await tx.execute(sql`
    insert into ${taskLabels} (workspace_id, task_id, label_id)
    select ${workspaceId}::uuid, * from ${pairRows(fresh)}`)
}

async function labelsAmong(tx: Queries, workspaceId: string, labelIds: string[]): Promise<Set<string>> {
  const found = await tx
    .select({ id: labels.id })
    .from(labels)
    .where(and(eq(labels.workspaceId, workspaceId), inArray(labels.id, labelIds)))
  return new Set(found.map(({ id }) => id))
}
