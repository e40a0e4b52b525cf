import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Logger } from '@forinda/kickjs-core'
import { fillPlaceholders, type Query, type SQL } from 'drizzle-orm'
import { NodePgDatabase, NodePgDriver } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { StartupError } from '../errors.js'
import { dialect } from './dialect.js'
import { lockFolder } from './embedded/folder-lock.js'
import { keepUp } from './embedded/upkeep.js'
import { EmbeddedServer } from './embedded/wire.js'
import type { TextRows } from './json-rows.js'
import { migrate } from './migrate.js'
import { StatementNames } from './statement-names.js'

const logger = Logger.for('Database')

// Counts and sequences are bigint in Postgres; all of ours stay far below 2^53.
pg.types.setTypeParser(pg.types.builtins.INT8, Number)

/** Queries, in or out of a transaction. Inside `write` use the one given, never the database itself. */
export type Queries = Pick<
  NodePgDatabase,
  'select' | 'selectDistinct' | 'insert' | 'update' | 'delete' | 'execute' | '$with' | 'with' | '$count'
>

/** What a write needs to know of the request that it belongs to: see `http/idempotency.ts`. */
export type WriteHook = (tx: Queries) => Promise<void>

export interface DatabaseOptions {
  /** Where Postgres is; without it the embedded one in `dataDir`, or in memory where that is empty too. */
  url?: string | undefined
  dataDir?: string | undefined
  poolSize?: number
  /** Told of each statement that is sent, for tests and metrics. */
  onStatement?: (sql: string) => void
}

/** Of every connection, on either database. */
const SETTINGS = {
  TimeZone: 'UTC',
  // Data is in memory or on flash, where a page out of order costs no more: with the default, made for
  // turning disks, young tables without statistics are sorted whole where their index has the order.
  random_page_cost: '1.1',
  // Our statements are short: compiling them takes longer than running them,
  jit: 'off',
  // and so does planning them for the values of each time, which Postgres prefers wherever there is a limit.
  plan_cache_mode: 'force_generic_plan',
}

const AS_TEXT = { getTypeParser: () => (text: string) => text }

/** Serialization failure and deadlock: the transaction did nothing, so it may simply run again. */
const RETRYABLE = new Set(['40001', '40P01'])
const WRITE_ATTEMPTS = 5
const ANSWER_LIMIT_MS = 35_000
/** How long a statement under way may hold up the end, in milliseconds. Whoever waited for it is gone by then. */
const CLOSE_LIMIT_MS = 500

export class Database {
  /** Run inside each `write`, before it commits. */
  readonly writeHooks: WriteHook[] = []
  /** Told of each `write` that has committed, by the transaction that it was. They must not fail. */
  readonly commitHooks: ((tx: Queries) => void)[] = []

  constructor(
    readonly kind: 'postgres' | 'embedded',
    readonly pool: pg.Pool,
    readonly query: NodePgDatabase,
    private readonly onStatement: ((sql: string) => void) | undefined,
    private readonly release: () => Promise<void>,
    /** Resolves if the embedded database has ended for good without `close`: nothing can be served any more. */
    readonly failed: Promise<Error> = new Promise(() => {}),
  ) {}

  /**
   * Connects, and brings the schema up to date under a lock.
   * @throws StartupError when the database is away, in use by another process or newer than this program
   */
  static async open(options: DatabaseOptions): Promise<Database> {
    if (options.url) return openPostgres(options, options.url)
    const database = await openEmbedded(options)
    await database.migrated(database.pool)
    return database
  }

  /** Brings the schema up to date over `pool`, or closes the database. */
  async migrated(pool: pg.Pool): Promise<void> {
    try {
      await migrate(pool)
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** One write of the domain: one transaction, run again if Postgres had to abort it for another's sake. */
  async write<T>(work: (tx: Queries) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        const { result, committed } = await this.query.transaction(async tx => {
          const result = await work(tx)
          for (const hook of this.writeHooks) await hook(tx)
          return { result, committed: tx }
        })
        for (const hook of this.commitHooks) hook(committed)
        return result
      } catch (error) {
        if (attempt >= WRITE_ATTEMPTS || !RETRYABLE.has(sqlState(error) ?? '')) throw error
      }
    }
  }

  /** One hand-written statement, parsed and planned once per connection under its name. */
  async prepared<Row extends pg.QueryResultRow>(
    name: string,
    text: string,
    values: unknown[],
  ): Promise<Row[]> {
    this.onStatement?.(text)
    return (await this.pool.query<Row>({ name, text, values })).rows
  }

  /** A statement of drizzle's, with each value as Postgres wrote it; see `jsonRows`. */
  async textRows({ sql: text, params }: Query, values: Record<string, unknown> = {}): Promise<TextRows> {
    this.onStatement?.(text)
    return this.pool.query<(string | null)[]>({
      text,
      values: fillPlaceholders(params, values),
      rowMode: 'array',
      types: AS_TEXT,
    })
  }

  /** Such statements one after the other in one transaction, each of which sees what the ones before waited for; gives the rows of the last. */
  async preparedInOrder<Row extends pg.QueryResultRow>(...statements: pg.QueryConfig[]): Promise<Row[]> {
    const client = await this.pool.connect()
    let rows: Row[] = []
    try {
      await client.query('begin')
      for (const statement of statements) {
        this.onStatement?.(statement.text)
        rows = (await client.query<Row>(statement)).rows
      }
      await client.query('commit')
      client.release()
      return rows
    } catch (error) {
      // What is left of the transaction ends with the connection.
      client.release(true)
      throw error
    }
  }

  /** Resolves while the database answers. */
  async ping(): Promise<void> {
    await this.pool.query('select 1')
  }

  /** Ends all connections; what is under way after half a second is left to Postgres to undo. */
  async close(): Promise<void> {
    await Promise.race([this.pool.end(), delay(CLOSE_LIMIT_MS, undefined, { ref: false })])
    await this.release()
  }
}

async function openPostgres(options: DatabaseOptions, url: string): Promise<Database> {
  const settings: pg.PoolConfig = {
    connectionString: url,
    max: options.poolSize ?? 10,
    application_name: 'vibed',
    options: Object.entries(SETTINGS)
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(' '),
    connectionTimeoutMillis: 5_000,
    statement_timeout: 30_000,
    idle_in_transaction_session_timeout: 30_000,
    keepAlive: true,
  }
  // Longer than the server takes to cut a statement off: then it is gone without a word.
  const pool = new pg.Pool({ ...settings, query_timeout: ANSWER_LIMIT_MS })
  const database = overPool('postgres', pool, options, async () => {})
  try {
    await database.ping()
  } catch (error) {
    await pool.end()
    const where = new URL(url)
    throw new StartupError(
      `Postgres at ${where.host}${where.pathname} cannot be reached (${reason(error)}): start it, or correct DATABASE_URL`,
      { cause: error },
    )
  }
  // On connections that wait as long as it takes.
  const patient = new pg.Pool({ ...settings, max: 1 })
  await database.migrated(patient).finally(() => patient.end())
  return database
}

async function openEmbedded(options: DatabaseOptions): Promise<Database> {
  const { dataDir } = options
  let lose: (error: Error) => void = () => {}
  const lost = new Promise<Error>(resolve => {
    lose = resolve
  })
  const unlock = dataDir === undefined ? () => {} : await lockFolder(dataDir, lose)
  try {
    const server = await EmbeddedServer.start(dataDir === undefined ? null : join(dataDir, 'data'), SETTINGS)
    void lost.then(error => server.abandon(error.message))
    const pool = new pg.Pool({
      // The embedded Postgres is a single backend: transactions queue for the one connection.
      max: 1,
      idleTimeoutMillis: 0,
      user: 'postgres',
      database: 'postgres',
      stream: () => server.connect(),
    })
    const release = async () => {
      await server.stop()
      unlock()
    }
    keepUp(pool)
    return overPool('embedded', pool, options, release, server.failed)
  } catch (error) {
    unlock()
    if (error instanceof StartupError) throw error
    throw new StartupError(
      `The embedded database in ${dataDir ?? 'memory'} cannot be opened (${reason(error)}): restore that folder, or set VIBED_DATA_DIR to a new one`,
      { cause: error },
    )
  }
}

function overPool(
  kind: Database['kind'],
  pool: pg.Pool,
  { onStatement }: DatabaseOptions,
  release: () => Promise<void>,
  failed?: Promise<Error>,
) {
  pool.on('error', error => logger.warn({ err: error }, 'an idle connection was lost'))
  const names = new StatementNames()
  // The pool hears of idle ones alone; of one in use nobody would, which would end the process.
  pool.on('connect', client => {
    names.watch(client)
    client.on('error', error => logger.debug({ err: error }, 'a connection was lost'))
  })
  const logging = onStatement ? { logger: { logQuery: onStatement } } : {}
  const session = new NodePgDriver(pool, dialect, logging).createSession(undefined)
  const query = new NodePgDatabase(dialect, session, undefined)
  return new Database(kind, pool, query, onStatement, release, failed)
}

/** The text of a statement that is written with shared fragments and numbers its own parameters (`$1`). */
export function sqlText(statement: SQL): string {
  return sqlQuery(statement).sql
}

/** A statement that is written with shared fragments, for `textRows`. */
export function sqlQuery(statement: SQL): Query {
  return dialect.sqlToQuery(statement)
}

/** The SQLSTATE of a failed statement, through drizzle's wrapping. */
export function sqlState(error: unknown): string | undefined {
  return postgresError(error)?.code
}

/** Whether a statement was refused because a row like that is there already. */
export function isUniqueViolation(error: unknown): boolean {
  return sqlState(error) === '23505'
}

/** Whether a statement was refused because a row that it points to is missing. */
export function isForeignKeyViolation(error: unknown): boolean {
  return sqlState(error) === '23503'
}

/** The name of the constraint that refused a statement. */
export function violatedConstraint(error: unknown): string | undefined {
  return postgresError(error)?.constraint
}

function postgresError(error: unknown): pg.DatabaseError | undefined {
  if (error instanceof pg.DatabaseError) return error
  return error instanceof Error && error.cause !== undefined ? postgresError(error.cause) : undefined
}

function reason(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reason).join(', ')
  return error instanceof Error ? error.message : String(error)
}
