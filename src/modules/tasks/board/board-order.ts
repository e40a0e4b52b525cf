import { and, asc, desc, eq, gt, isNull, lt, notInArray, type SQL, sql } from 'drizzle-orm'
import { generateKeyBetween } from 'fractional-indexing'
import type { Queries } from '../../../db/database.js'
import { tasks } from '../../../db/schema/work.js'
import { refuse } from '../../../errors.js'
import { respace } from '../ranks/respace.js'

/** Where a card goes in its column. */
export type Place = 'end' | { before: string } | { after: string }

interface Column {
  projectId: string
  status: string
}

/** A card on its way into a column; one from another column has no rank there. */
interface Card {
  id: string
  rank?: string
}

type Ranked<C> = C & { rank: string }

/** No rank is longer. Columns get room long before: see `CrowdedPlaces`. */
const LONGEST_RANK = 128

/**
 * Ranks for cards that go to a place together, in their order, between those of its neighbours there: one
 * row to write for each, whatever the length of the column. Cards that are there already keep theirs. In the
 * rare case that there is no room, the cards around get new ranks first.
 * @throws NEIGHBOUR_NOT_FOUND when the neighbour named is not another card of the column
 */
export async function ranksAt<C extends Card>(
  tx: Queries,
  column: Column,
  cards: readonly C[],
  place: Place,
): Promise<Ranked<C>[]> {
  const others = otherCards(column, cards)
  const bounds = await neighbours(tx, others, place)
  const settled = cards.flatMap(card => (card.rank === undefined ? [] : { ...card, rank: card.rank }))
  if (settled.length === cards.length && areBetween(settled, bounds)) return settled
  const placed = between(cards, bounds)
  const crowded = placed.find(({ rank }) => rank.length > LONGEST_RANK)
  if (!crowded) return placed
  await respace(tx, column, crowded.rank)
  return between(cards, await neighbours(tx, others, place))
}

/** Ranks for further cards at the ends of their columns, in their order: one statement, however many there are. */
export async function ranksAtEnds<C extends { column: { status: string } }>(
  tx: Queries,
  projectId: string,
  cards: readonly C[],
): Promise<Ranked<C>[]> {
  const statuses = [...new Set(cards.map(({ column }) => column.status))]
  const { rows } = await tx.execute<{ status: string; rank: string | null }>(sql`
    select status, (
      select t.rank from ${tasks} t
      where t.project_id = ${projectId} and t.status = ends.status and t.deleted_at is null
      order by t.rank desc limit 1) as rank
    from unnest(${sql.param(statuses)}::text[]) as ends (status)`)
  const ends = new Map(rows.map(({ status, rank }) => [status, rank]))
  return cards.map(card => {
    const rank = generateKeyBetween(ends.get(card.column.status), null)
    ends.set(card.column.status, rank)
    return { ...card, rank }
  })
}

type Bounds = [lower: string | undefined, upper: string | undefined]

function areBetween(cards: readonly { rank: string }[], [lower = '', upper]: Bounds): boolean {
  const ranks = [lower, ...cards.map(({ rank }) => rank), ...(upper === undefined ? [] : [upper])]
  return ranks.every((rank, index) => index === 0 || rank > (ranks[index - 1] ?? ''))
}

function between<C extends Card>(cards: readonly C[], [lower, upper]: Bounds): Ranked<C>[] {
  let below = lower
  return cards.map(card => {
    below = generateKeyBetween(below, upper)
    return { ...card, rank: below }
  })
}

async function neighbours(tx: Queries, others: SQL | undefined, place: Place): Promise<Bounds> {
  if (place === 'end') return [await rankOf(tx, others, 'last'), undefined]
  const anchorId = 'before' in place ? place.before : place.after
  const anchor = await rankOf(tx, others, 'first', eq(tasks.id, anchorId))
  if (anchor === undefined) {
    const path = 'before' in place ? 'body.before' : 'body.after'
    throw refuse('NEIGHBOUR_NOT_FOUND', { errors: [{ path, message: 'is no other card of that column' }] })
  }
  return 'before' in place
    ? [await rankOf(tx, others, 'last', lt(tasks.rank, anchor)), anchor]
    : [anchor, await rankOf(tx, others, 'first', gt(tasks.rank, anchor))]
}

/** The first or last rank among the other cards of the column. */
async function rankOf(
  tx: Queries,
  others: SQL | undefined,
  end: 'first' | 'last',
  which?: SQL,
): Promise<string | undefined> {
  const [found] = await tx
    .select({ rank: tasks.rank })
    .from(tasks)
    .where(and(others, which))
    .orderBy(end === 'first' ? asc(tasks.rank) : desc(tasks.rank))
    .limit(1)
  return found?.rank
}

function otherCards({ projectId, status }: Column, cards: readonly Card[]): SQL | undefined {
  const inColumn = and(eq(tasks.projectId, projectId), eq(tasks.status, status), isNull(tasks.deletedAt))
  return and(
    inColumn,
    notInArray(
      tasks.id,
      cards.map(({ id }) => id),
    ),
  )
}
