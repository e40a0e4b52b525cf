import { and, asc, desc, eq, gt, isNull, lte, type SQL, sql } from 'drizzle-orm'
import { generateNKeysBetween } from 'fractional-indexing'
import type { Queries } from '../../../db/database.js'
import { tasks } from '../../../db/schema/work.js'
import { stepProject } from '../changes/step-project.js'
import { MOST_TOLD } from '../changes/step-tasks.js'

interface Column {
  projectId: string
  status: string
}

interface Card {
  id: string
  rank: string
}

/** A card and the rank that it gets. */
interface Shift extends Card {
  fresh: string
}

/** Ranks are this short again afterwards, unless the whole column has no room for that. */
const ROOMY_RANK = 32
/** How many cards on either side of the place are looked at first; then twice as many, and so on. */
const FIRST_REACH = 32

/**
 * Makes room at a place of a column where cards have crowded: as few of those around it as will do get new
 * ranks, in the same order. It is no edit, so that their versions stay; but each has a new number in the
 * project's sequence. Those are given in such an order that the column is never out of order for whoever
 * applies the changes one by one. Under the lock of the workspace.
 * @param place a rank there
 * @returns the project's sequence after it
 */
export async function respace(tx: Queries, column: Column, place: string): Promise<number> {
  for (let reach = FIRST_REACH; ; reach *= 2) {
    const [below, above] = [
      await side(tx, column, lte(tasks.rank, place), desc(tasks.rank), reach),
      await side(tx, column, gt(tasks.rank, place), asc(tasks.rank), reach),
    ]
    const cards = [...below.near.toReversed(), ...above.near]
    const fresh = ranksFor(cards, below.beyond, above.beyond)
    const isWhole = below.beyond === undefined && above.beyond === undefined
    if (isWhole || fresh.every(rank => rank.length <= ROOMY_RANK)) return move(tx, column, cards, fresh)
  }
}

/** The cards on one side of a place, the nearest first, and the rank of the one beyond them. */
async function side(tx: Queries, { projectId, status }: Column, where: SQL, order: SQL, reach: number) {
  const inColumn = and(eq(tasks.projectId, projectId), eq(tasks.status, status), isNull(tasks.deletedAt))
  const near = await tx
    .select({ id: tasks.id, rank: tasks.rank })
    .from(tasks)
    .where(and(inColumn, where))
    .orderBy(order)
    .limit(reach + 1)
  return { near: near.slice(0, reach), beyond: near[reach]?.rank }
}

/** As many ranks as there are cards, none of which any of them has now: they must not collide on the way. */
function ranksFor(cards: readonly Card[], lower: string | undefined, upper: string | undefined): string[] {
  const taken = new Set(cards.map(({ rank }) => rank))
  const free = generateNKeysBetween(lower, upper, 2 * cards.length).filter(rank => !taken.has(rank))
  return cards.flatMap((_, index) => free[Math.floor((index * free.length) / cards.length)] ?? [])
}

async function move(tx: Queries, { projectId }: Column, cards: readonly Card[], ranks: readonly string[]) {
  const shifts = inSafeOrder(cards.flatMap((card, index) => ({ ...card, fresh: ranks[index] ?? card.rank })))
  const board = shifts.length > MOST_TOLD
  const { seq } = await stepProject(tx, projectId, { changes: shifts.length, board })
  await tx.execute(sql`
    update ${tasks} set rank = shift.rank, seq = ${seq - shifts.length - Number(board)}::bigint + shift.ordinality
    from unnest(
      ${sql.param(shifts.map(({ id }) => id))}::uuid[], ${sql.param(shifts.map(({ fresh }) => fresh))}::text[]
    ) with ordinality as shift (id, rank, ordinality)
    where ${tasks.id} = shift.id`)
  return seq
}

/** Who goes up makes way before who comes from below him, and the other way round. */
function inSafeOrder(shifts: readonly Shift[]): Shift[] {
  const up = shifts.filter(({ rank, fresh }) => fresh > rank)
  const down = shifts.filter(({ rank, fresh }) => fresh <= rank)
  return [...up.toReversed(), ...down]
}
