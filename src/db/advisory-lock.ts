import { Logger } from '@forinda/kickjs-core'
import pg from 'pg'
import type { Database } from './database.js'

const logger = Logger.for('AdvisoryLock')

/**
 * Runs `work` unless another process that uses the same database is at work under the same name.
 * Its connection is one beside the pool, which the work itself needs.
 * @returns whether it ran; errors are those of `work` and of the database
 */
export async function runAlone(
  database: Database,
  name: string,
  work: () => Promise<void>,
): Promise<boolean> {
  if (database.kind === 'embedded') {
    // Its folder belongs to this process alone.
    await work()
    return true
  }
  const client = new pg.Client(database.pool.options)
  client.on('error', error => logger.warn({ err: error, name }, 'the connection that holds a lock was lost'))
  try {
    await client.connect()
    const { rows } = await client.query('select pg_try_advisory_lock(hashtextextended($1, 0)) as taken', [
      name,
    ])
    if (rows[0]?.taken !== true) return false
    await work()
    return true
  } finally {
    await client.end()
  }
}
