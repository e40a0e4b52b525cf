import { fileURLToPath } from 'node:url'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate as applyMigrations } from 'drizzle-orm/node-postgres/migrator'
import type pg from 'pg'
import { StartupError } from '../errors.js'

const migrationsFolder = fileURLToPath(new URL('../../drizzle', import.meta.url))

/** Any number will do, so long as every node uses the same. */
const MIGRATION_LOCK = 5_612_009

/**
 * Brings the schema up to date. Nodes that boot at once take turns, and all but the first find nothing to do.
 * @throws StartupError when the database was migrated by a newer version of the program
 */
export async function migrate(pool: pg.Pool): Promise<void> {
  const client = await pool.connect()
  try {
    // Waiting for another node's migration must not be cut off as a slow statement.
    await client.query('set statement_timeout = 0')
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
    try {
      await refuseNewerDatabase(client)
      await applyMigrations(drizzle(client), { migrationsFolder })
    } finally {
      await client.query('select pg_advisory_unlock($1)', [MIGRATION_LOCK])
    }
  } finally {
    // Not back into the pool: its timeout was taken off.
    client.release(pool.options.max !== 1)
  }
}

async function refuseNewerDatabase(client: pg.PoolClient) {
  const { rows } = await client.query("select to_regclass('drizzle.__drizzle_migrations') as applied")
  if (rows[0]?.applied === null) return
  const known = readMigrationFiles({ migrationsFolder }).at(-1)?.folderMillis ?? 0
  const latest = await client.query('select max(created_at) as at from drizzle.__drizzle_migrations')
  if (latest.rows[0]?.at > known) {
    throw new StartupError(
      'The database was migrated by a newer version of Vibed: start that version, or restore an older backup',
    )
  }
}
