import { and, asc, desc, eq, gt, isNull, lt, ne, type SQL, sql } from 'drizzle-orm'
import { generateKeyBetween, generateNKeysBetween } from 'fractional-indexing'
import type { Queries } from '../../../db/database.js'
import { tasks } from '../../../db/schema/work.js'
import { refuse } from '../../../errors.js'
import { stepProject } from '../changes/step-project.js'

/** Where a card goes in its column. */
export type Place = 'end' | { before: string } | { after: string }

/** A card on its way into a column; a new one has no id, one from another column no rank there. */
export interface Card {
  projectId: string
  status: string
  id?: string
  rank?: string
}

/** Each move between the same two cards makes a rank longer; beyond this the column is ranked afresh. */
const LONGEST_RANK = 250

/**
 * The rank of a card at a place, between those of its neighbours there: one row to write, whatever
 * the length of the column. A card that is there already keeps its rank.
 * @returns also the ids of other cards that got a new rank, in the rare case that there was no room
 * @throws NEIGHBOUR_NOT_FOUND when the neighbour named is not another card of the column
 */
export async function rankAt(
  tx: Queries,
  card: Card,
  place: Place,
): Promise<{ rank: string; respread: string[] }> {
  const rank = await rankBetween(tx, card, place)
  if (rank.length <= LONGEST_RANK) return { rank, respread: [] }
  const respread = await spread(tx, card)
  return { rank: await rankBetween(tx, card, place), respread }
}

/** Ranks for further cards at the end of a column, in their order. */
export async function ranksAtEnd(tx: Queries, column: Card, count: number): Promise<string[]> {
  return generateNKeysBetween(await rankOf(tx, column, 'last'), null, count)
}

async function rankBetween(tx: Queries, card: Card, place: Place): Promise<string> {
  const [lower, upper] = await neighbours(tx, card, place)
  const { rank } = card
  const isThere = rank !== undefined && (lower ?? '') < rank && (upper === undefined || rank < upper)
  return isThere ? rank : generateKeyBetween(lower, upper)
}

type Bounds = [lower: string | undefined, upper: string | undefined]

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

/** Gives the other cards short ranks again, all above the old ones, so that none collides on the way. */
async function spread(tx: Queries, card: Card): Promise<string[]> {
  const cards = await tx
    .select({ id: tasks.id, rank: tasks.rank })
    .from(tasks)
    .where(otherCards(card))
    .orderBy(asc(tasks.rank))
  const ids = cards.map(({ id }) => id)
  const highest = cards
    .map(({ rank }) => rank)
    .concat(card.rank ?? [])
    .sort()
    .at(-1)
  const ranks = generateNKeysBetween(highest, null, ids.length)
  const { seq, at } = await stepProject(tx, card.projectId, { changes: ids.length })
  await tx.execute(sql`
    update ${tasks} set rank = fresh.rank, version = version + 1, updated_at = ${at}::timestamptz,
      seq = ${seq - ids.length}::bigint + fresh.ordinality
    from unnest(${sql.param(ids)}::uuid[], ${sql.param(ranks)}::text[]) with ordinality as fresh (id, rank, ordinality)
    where ${tasks.id} = fresh.id`)
  return ids
}
