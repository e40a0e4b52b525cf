import { Logger } from '@forinda/kickjs-core'
import type pg from 'pg'

const logger = Logger.for('Upkeep')

const EVERY_MS = 2_000

/** As autovacuum's own thresholds (PostgreSQL, "The Autovacuum Daemon"). */
const DUE = `
  select quote_ident(relname) as table, n_dead_tup > 50 + 0.2 * n_live_tup as has_waste
  from pg_stat_user_tables
  where n_mod_since_analyze > 50 + 0.1 * n_live_tup or n_dead_tup > 50 + 0.2 * n_live_tup`

/**
 * Does what autovacuum does on a server, until the pool ends: the embedded Postgres is a single process
 * and has none. Without statistics it would read a whole channel to find its last page.
 */
export function keepUp(pool: pg.Pool): void {
  const timer = setTimeout(async () => {
    await tidy(pool)
    if (!pool.ending) keepUp(pool)
  }, EVERY_MS)
  timer.unref()
}

async function tidy(pool: pg.Pool): Promise<void> {
  if (pool.ending) return
  try {
    // The counts of changes would be written down once a minute only.
    await pool.query('select pg_stat_force_next_flush()')
    const { rows } = await pool.query<{ table: string; has_waste: boolean }>(DUE)
    for (const { table, has_waste } of rows) {
      if (pool.ending) return
      await pool.query(`${has_waste ? 'vacuum (analyze)' : 'analyze'} ${table}`)
    }
  } catch (error) {
    if (!pool.ending) logger.warn({ err: error }, 'the embedded database could not be tidied; trying again')
  }
}
