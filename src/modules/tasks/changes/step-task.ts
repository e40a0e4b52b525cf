import { and, eq, isNull } from 'drizzle-orm'
import type { Queries } from '../../../db/database.js'
import { tasks } from '../../../db/schema/work.js'
import { refuse } from '../../../errors.js'
import { stepProject } from './step-project.js'

/**
 * Takes the project's next number for a task to which something was added, or of which something went, so
 * that live boards learn of it. Its version stays: that is for edits of the task itself.
 * @returns the moment of the step
 * @throws TASK_NOT_FOUND or PROJECT_NOT_FOUND when it was deleted meanwhile
 */
export async function stepTask(
  tx: Queries,
  { id, projectId }: { id: string; projectId: string },
): Promise<string> {
  const { seq, at } = await stepProject(tx, projectId)
  const stepped = await tx
    .update(tasks)
    .set({ seq, updatedAt: at })
    .where(and(eq(tasks.id, id), isNull(tasks.deletedAt)))
    .returning({ id: tasks.id })
  if (stepped.length === 0) throw refuse('TASK_NOT_FOUND')
  return at
}
