import { refuse } from '../errors.js'
import { sqlState } from './database.js'

/**
 * Connection exceptions, a server that is shutting down or starting, statements and transactions that took too long,
 * and those that had to give way to others each time they were tried (PostgreSQL, appendix A).
 */
const AWAY_STATES = /^(08...|57P0[1-3]|57014|53300|25P03|40001|40P01|55P03)$/
/** How `pg` and the network tell of a connection that is not there. */
const AWAY_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN'])
const AWAY_MESSAGES =
  /connection terminated|timeout exceeded when trying to connect|query read timeout|cannot use a pool after/i

/** A failed query that only means "try again" becomes `DATABASE_UNAVAILABLE`; everything else stays what it is. */
export function translateDatabaseError(error: unknown): unknown {
  return isAway(error) ? refuse('DATABASE_UNAVAILABLE', { retryAfterMs: 1_000, cause: error }) : error
}

function isAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = 'code' in error ? String(error.code) : ''
  if (AWAY_STATES.test(sqlState(error) ?? '') || AWAY_CODES.has(code) || AWAY_MESSAGES.test(error.message))
    return true
  return isAway(error.cause)
}
