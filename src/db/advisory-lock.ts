import { Logger } from '@forinda/kickjs-core'
import pg from 'pg'

const logger = Logger.for('AdvisoryLock')

/** How long Postgres waits for a sign of life before it gives a lock to somebody else, in milliseconds. */
const SILENCE_MS = 10_000
const BEAT_MS = 3_000

const SETTINGS = {
  idle_session_timeout: SILENCE_MS,
  // Whoever waits may wait for as long as the other one is at work.
  statement_timeout: 0,
  lock_timeout: 0,
}

export interface LockWish {
  /** A way to Postgres without a transaction pooler in between. */
  url: string
  /** Known to all processes that use the same database. */
  name: string
  /** Ends the waiting, not the work. */
  signal: AbortSignal
}

/**
 * Waits until no other process holds the lock, then runs `work` under it. The lock is that of a connection
 * of its own, so it is free again when its process ends in whatever way; where that cannot be seen, as with
 * a machine that is lost or a process that is paused, Postgres ends the connection after ten seconds of
 * silence. Errors are those of `work` and of the database.
 */
export async function withLock(wish: LockWish, work: () => Promise<void>): Promise<void> {
  const client = new pg.Client({
    connectionString: wish.url,
    application_name: 'vibed-lock',
    options: Object.entries(SETTINGS)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: SILENCE_MS,
  })
  const { name } = wish
  client.on('error', error => logger.warn({ err: error, name }, 'the connection that holds a lock was lost'))
  await client.connect()
  try {
    if (await takes(client, wish)) await whileBeating(client, work)
  } finally {
    await client.end()
  }
}

async function takes(client: pg.Client, { name, signal }: LockWish): Promise<boolean> {
  // While a statement waits this cuts the connection.
  const giveUp = () => void client.end()
  signal.addEventListener('abort', giveUp)
  try {
    if (!signal.aborted) await client.query('select pg_advisory_lock(hashtextextended($1, 0))', [name])
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
  return !signal.aborted
}

/** A beat that fails is no news: the connection tells of its end by itself. */
async function whileBeating(client: pg.Client, work: () => Promise<void>): Promise<void> {
  const beat = setInterval(() => client.query('select 1').catch(() => {}), BEAT_MS)
  try {
    await work()
  } finally {
    clearInterval(beat)
  }
}
