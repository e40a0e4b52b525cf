import type { Changes } from './changes.contract.js'
import type { Sequenced } from './feed.js'

/** Past this many changes, or bytes of text, a client is better off loading the page afresh. */
const MOST_CHANGES = 500
const MOST_BYTES = 2_000_000
/** So few changes fit into an answer however long they are. */
const FEW_CHANGES = 40

/** The rows of a channel or project that changed since, in the order of their latest changes. */
export interface ChangeLog<Row> {
  rows(limit: number): Promise<Row[]>
  /** How many bytes of text each of these rows holds. */
  sizes(limit: number): Promise<number[]>
}

/**
 * The rows whose latest change is later than `since`, and the sequence they lead up to.
 * @param lastSeq where the channel or project stands: read before, so that it is never ahead of the rows
 */
export async function changesSince<Row extends Sequenced>(
  since: number,
  lastSeq: number,
  log: ChangeLog<Row>,
): Promise<Changes<Row>> {
  if (lastSeq - since > FEW_CHANGES && isTooMuch(await log.sizes(MOST_CHANGES + 1)))
    return { lastSeq, reset: true }
  const changes = await log.rows(MOST_CHANGES + 1)
  const isBeyondUs = changes.length === 0 && since > lastSeq
  if (isBeyondUs || changes.length > MOST_CHANGES) return { lastSeq, reset: true }
  return { lastSeq: Math.max(lastSeq, changes.at(-1)?.seq ?? 0), changes }
}

function isTooMuch(sizes: readonly number[]): boolean {
  return sizes.length > MOST_CHANGES || sizes.reduce((sum, bytes) => sum + bytes, 0) > MOST_BYTES
}
