import { and, asc, desc, eq, gt, isNull, lt, ne, type SQL } from 'drizzle-orm'
import { generateKeyBetween, generateNKeysBetween } from 'fractional-indexing'
import type { Queries } from '../../../db/database.js'
import { tasks } from '../../../db/schema/work.js'
import { refuse } from '../../../errors.js'
import { respace } from '../ranks/respace.js'

/** Where a card goes in its column. */
export type Place = 'end' | { before: string } | { after: string }

/** A card on its way into a column; a new one has no id, one from another column no rank there. */
export interface Card {
  projectId: string
  status: string
  id?: string
  rank?: string
}

/** No rank is longer. Columns get room long before: see `CrowdedPlaces`. */
const LONGEST_RANK = 128

/**
 * The rank of a card at a place, between those of its neighbours there: one row to write, whatever
 * the length of the column. A card that is there already keeps its rank. In the rare case that there is no
 * room, the cards around get new ranks first.
 * @throws NEIGHBOUR_NOT_FOUND when the neighbour named is not another card of the column
 */
export async function rankAt(tx: Queries, card: Card, place: Place): Promise<string> {
  const bounds = await neighbours(tx, card, place)
  if (card.rank !== undefined && isBetween(card.rank, bounds)) return card.rank
  const rank = generateKeyBetween(...bounds)
  if (rank.length <= LONGEST_RANK) return rank
  await respace(tx, card, rank)
  return generateKeyBetween(...(await neighbours(tx, card, place)))
}

/** Ranks for further cards at the end of a column, in their order. */
export async function ranksAtEnd(tx: Queries, column: Card, count: number): Promise<string[]> {
  return generateNKeysBetween(await rankOf(tx, column, 'last'), null, count)
}

type Bounds = [lower: string | undefined, upper: string | undefined]

function isBetween(rank: string, [lower = '', upper]: Bounds): boolean {
  return lower < rank && (upper === undefined || rank < upper)
}

async function neighbours(tx: Queries, card: Card, place: Place): Promise<Bounds> {
  if (place === 'end') return [await rankOf(tx, card, 'last'), undefined]
  const anchorId = 'before' in place ? place.before : place.after
  const anchor = await rankOf(tx, card, 'first', eq(tasks.id, anchorId))
  if (anchor === undefined) {
    const path = 'before' in place ? 'body.before' : 'body.after'
    throw refuse('NEIGHBOUR_NOT_FOUND', { errors: [{ path, message: 'is no other card of that column' }] })
  }
  return 'before' in place
    ? [await rankOf(tx, card, 'last', lt(tasks.rank, anchor)), anchor]
    : [anchor, await rankOf(tx, card, 'first', gt(tasks.rank, anchor))]
}

/** The first or last rank among the other cards of the column. */
async function rankOf(
  tx: Queries,
  card: Card,
  end: 'first' | 'last',
  which?: SQL,
): Promise<string | undefined> {
  const [found] = await tx
    .select({ rank: tasks.rank })
    .from(tasks)
    .where(and(otherCards(card), which))
    .orderBy(end === 'first' ? asc(tasks.rank) : desc(tasks.rank))
    .limit(1)
  return found?.rank
}

function otherCards({ projectId, status, id }: Card): SQL | undefined {
  const inColumn = and(eq(tasks.projectId, projectId), eq(tasks.status, status), isNull(tasks.deletedAt))
  return id === undefined ? inColumn : and(inColumn, ne(tasks.id, id))
}
