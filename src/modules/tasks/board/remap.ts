import { and, asc, eq, isNull, sql } from 'drizzle-orm'
import type { Queries } from '../../../db/database.js'
import { tasks } from '../../../db/schema/work.js'
import { stepProject } from '../changes/step-project.js'
import { ranksAtEnds } from './board-order.js'
import { columnsToEnter, milestones } from './columns.js'

interface Remap {
  projectId: string
  from: string
  into: string
}

/** What came of it: how many tasks went, and the project's sequence after it. */
export interface Remapped {
  tasks: number
  lastSeq: number
}

/**
 * Takes all tasks of a column to the end of another one, in their order, as a part of a change of the
 * board. Whoever follows the board loads it afresh; each task has its number all the same, by which lists
 * that are being walked know it for changed. The deleted ones go along without one.
 * @throws WIP_LIMIT_REACHED where there is no room for all of them
 */
export async function remapTasks(tx: Queries, { projectId, from, into }: Remap): Promise<Remapped> {
  const { id, startedAt, completedAt, rank, status, deletedAt } = tasks
  const ofColumn = and(eq(tasks.projectId, projectId), eq(status, from))
  const cards = await tx
    .select({ id, startedAt, completedAt })
    .from(tasks)
    .where(and(ofColumn, isNull(deletedAt)))
    .orderBy(asc(rank))
  const entering = await columnsToEnter(
    tx,
    projectId,
    cards.map(card => ({ ...card, status: into })),
  )
  const placed = await ranksAtEnds(tx, projectId, entering)
  const { seq, at } = await stepProject(tx, projectId, { changes: cards.length, board: true })
  const reached = placed.map(({ column, ...card }) => milestones(column.group, card, at))
  await tx.execute(sql`
    update ${tasks} set status = ${into}, rank = moved.rank, started_at = moved.started_at,
      completed_at = moved.completed_at, version = version + 1, updated_at = ${at}::timestamptz,
      seq = ${seq - cards.length - 1}::bigint + moved.ordinality
    from unnest(
      ${sql.param(cards.map(card => card.id))}::uuid[], ${sql.param(placed.map(card => card.rank))}::text[],
      ${sql.param(reached.map(times => times.startedAt))}::timestamptz[],
      ${sql.param(reached.map(times => times.completedAt))}::timestamptz[]
    ) with ordinality as moved (id, rank, started_at, completed_at, ordinality)
    where ${tasks.id} = moved.id`)
  await tx.update(tasks).set({ status: into }).where(ofColumn)
  return { tasks: cards.length, lastSeq: seq }
}
