import { asc, desc, type SQL, sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { decodeCursor, encodeCursor } from '../cursor.js'
import { instant, uuid } from '../fields.contract.js'

interface ByTime {
  /** Rows beyond the cursor; undefined without one. */
  beyond: SQL | undefined
  order: [SQL, SQL]
  cursorAt(time: string, id: string): string
}

/**
 * A list read page by page by a time and, within one moment, by an id. `name` is that of the list and its order.
 * @throws INVALID_CURSOR
 */
export function byTime(
  name: string,
  time: AnyPgColumn,
  id: AnyPgColumn,
  { cursor, isLatestFirst = false }: { cursor?: string | undefined; isLatestFirst?: boolean },
): ByTime {
  const [direction, further] = isLatestFirst ? [desc, sql`<`] : [asc, sql`>`]
  const last = cursor === undefined ? undefined : decodeCursor(name, z.tuple([instant, uuid]), cursor)
  return {
    beyond: last && sql`(${time}, ${id}) ${further} (${last[0]}, ${last[1]})`,
    order: [direction(time), direction(id)],
    cursorAt: (...place) => encodeCursor(name, place),
  }
}
