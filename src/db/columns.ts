import { type SQL, sql } from 'drizzle-orm'
import { type AnyPgColumn, bigint, customType, index, uuid } from 'drizzle-orm/pg-core'
import { v7 } from 'uuid'

/** A primary key made by the server: UUID v7, so that ids sort by the time they were made. */
export const id = () => uuid().primaryKey().$defaultFn(v7)

/** A per-channel, per-project or per-workspace sequence number: grows by one with every change. */
export const seq = () => bigint({ mode: 'number' })

/**
 * A moment to the millisecond, read and written as ISO 8601 UTC text (`2026-01-31T09:30:00.000Z`).
 * Text, because parsing and printing `Date` objects is most of the cost of a page of rows.
 */
export const instant = customType<{ data: string; driverData: string }>({
  dataType: () => 'timestamp(3) with time zone',
  fromDriver: isoFromPostgres,
})

/** A lexeme vector for full-text search, maintained by the database. */
export const searchVector = customType<{ data: string }>({ dataType: () => 'tsvector' })

/**
 * The index of such vectors. What is written waits in a list until it is this long, and whoever makes it longer puts all of it
 * into the index: with the default of 4 MB, one write in thousands, and all that wait for it, take a tenth of a second.
 * In kilobytes.
 */
export const searchIndex = (name: string, vector: AnyPgColumn) =>
  index(name).using('gin', vector).with({ gin_pending_list_limit: 128 })

/** A fractional rank: compared byte by byte, whatever the database's locale. */
export const rank = customType<{ data: string }>({ dataType: () => 'text COLLATE "C"' })

/** `2026-01-31 09:30:00.5+00` (Postgres, in UTC) to `2026-01-31T09:30:00.500Z`. */
export function isoFromPostgres(text: string): string {
  const [point, end] = [text.indexOf('.'), text.lastIndexOf('+')]
  const moment = text.slice(0, point === -1 ? end : point).replace(' ', 'T')
  const fraction = point === -1 ? '000' : text.slice(point + 1, end).padEnd(3, '0')
  return `${moment}.${fraction}Z`
}

/** A moment written by the database itself as it is read: for what is kept or compared as text. */
export const isoInSql = (moment: SQL): SQL<string> =>
  sql`to_char(${moment} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`
