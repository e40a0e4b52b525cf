import { type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { Database } from './database.js'
import { literal } from './dialect.js'

const BATCH = 1_000

/** Removes the rows of a table whose `expires_at` is before `now` (ISO 8601). */
export function removeExpired(db: Database, table: PgTable, now: string): Promise<void> {
  return removeInBatches(db, table, sql`expires_at < ${now}::timestamptz`)
}

/** Removes rows a batch at a time, so that no statement holds many locks or takes long. */
export async function removeInBatches(db: Database, table: PgTable, condition: SQL): Promise<void> {
  for (let removed = BATCH; removed === BATCH; ) {
    const { rowCount } = await db.query.execute(sql`
      delete from ${table} where ctid = any (array(
        select ctid from ${table} where ${condition} limit ${literal(BATCH)}))`)
    removed = rowCount ?? 0
  }
}
