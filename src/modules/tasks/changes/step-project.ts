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

/** How many numbers a transaction takes. */
export interface Steps {
  /** One for each task that it changes. */
  changes?: number
  /** One for each task that it makes. */
  numbers?: number
  /** Whether it changes the columns of the board: that takes one more, the last. */
  board?: boolean
}

/**
 * Takes the project's next sequence numbers and its next task numbers. What a transaction that fails has
 * taken is given back, so that there are no gaps.
 * @throws PROJECT_NOT_FOUND when the project was deleted meanwhile
 */
export async function stepProject(
  tx: Queries,
  projectId: string,
  { changes = 1, numbers = 0, board = false }: Steps = {},
): Promise<ProjectStep> {
  const lastSeq = sql`${projects.lastSeq} + ${changes + Number(board)}`
  const [step] = await tx
    .update(projects)
    .set({
      lastSeq,
      ...(board && { boardSeq: lastSeq }),
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
