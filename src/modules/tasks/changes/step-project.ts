import { and, eq, isNull, sql } from 'drizzle-orm'
import type { Queries } from '../../../db/database.js'
import { projects } from '../../../db/schema/work.js'
import { refuse } from '../../../errors.js'

export interface ProjectStep {
  /** The last of the sequence numbers taken. */
  seq: number
  /** The last of the task numbers taken. */
  number: number
  /** The moment of the step, under the project's lock: times in a project are in the order of its sequence. */
  at: string
}

/**
 * Takes the project's next sequence numbers, one for each task that the transaction changes, and its
 * next task numbers. What a transaction that fails has taken is given back, so that there are no gaps.
 * @throws PROJECT_NOT_FOUND when the project was deleted meanwhile
 */
export async function stepProject(
  tx: Queries,
  projectId: string,
  { changes = 1, numbers = 0 } = {},
): Promise<ProjectStep> {
  const [step] = await tx
    .update(projects)
    .set({
      lastSeq: sql`${projects.lastSeq} + ${changes}`,
      lastTaskNumber: sql`${projects.lastTaskNumber} + ${numbers}`,
    })
    .where(and(eq(projects.id, projectId), isNull(projects.deletedAt)))
    .returning({
      seq: projects.lastSeq,
      number: projects.lastTaskNumber,
      at: sql`date_trunc('milliseconds', clock_timestamp())`.mapWith(projects.createdAt),
    })
  if (!step) throw refuse('PROJECT_NOT_FOUND')
  return step
}
