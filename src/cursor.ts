import type { z } from 'zod'
import { refuse } from './errors.js'

/** A place in an ordered list as opaque text: the order's name and the sort values of a row. */
export function encodeCursor(order: string, values: readonly (string | number)[]): string {
  return Buffer.from(JSON.stringify([order, ...values])).toString('base64url')
}

/**
 * The sort values in a cursor.
 * @throws INVALID_CURSOR for any text that `encodeCursor` did not make for this order
 */
export function decodeCursor<T>(order: string, values: z.ZodType<T>, cursor: string): T {
  const decoded = fromJson(Buffer.from(cursor, 'base64url').toString('utf8'))
  if (!Array.isArray(decoded) || decoded[0] !== order) throw refuse('INVALID_CURSOR')
  const parsed = values.safeParse(decoded.slice(1))
  if (!parsed.success) throw refuse('INVALID_CURSOR')
  return parsed.data
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
