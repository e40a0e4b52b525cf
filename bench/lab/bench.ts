import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import { People, type Person } from '../../chaos/lab/people.js'
import { Postgres } from '../../chaos/lab/postgres.js'
import { Random } from '../../chaos/lab/random.js'
import { startRedis } from '../../test/support/redis.js'
import { Load } from './load.js'
import { Server } from './server.js'
import { Statements } from './statements.js'
import { LeftOut } from './workload.js'

const main = fileURLToPath(new URL('../../../../dist/main.js', import.meta.url))
const built = (place: string, name: string) =>
  fileURLToPath(new URL(`../${place}/${name}.js`, import.meta.url))

/** Where Vibed's own tables are laid out once, to be copied. */
const TEMPLATE = 'bench_template'

/** A database of the bench's Postgres. */
export interface Database {
  name: string
  url: string
  /** A connection of one's own, for as long as the work takes. */
  connected<T>(work: (client: pg.Client) => Promise<T>): Promise<T>
}

/** How a server is started. */
export interface Start {
  /** Where it keeps its data; without one Vibed brings its own. */
  database?: Database
  /** Its statements are counted: they then take a detour, so what is timed is not counted. */
  counted?: boolean
  env?: Record<string, string>
}

/** What workloads need: a Postgres, databases on it, servers and generators. */
export class Bench {
  /** Signs tokens, the same for all servers. */
  private readonly secret = randomBytes(32).toString('hex')
  private readonly databases = new Map<string, Promise<Database>>()
  private readonly crowds = new Map<string, People>()
  private ends: (() => Promise<unknown>)[] = []
  private folders = 0

  private constructor(
    /** Sizes for a look whether all works, and not for figures. */
    readonly short: boolean,
    readonly postgres: Postgres,
    private readonly folder: string,
  ) {}

  static async open(short: boolean): Promise<Bench> {
    const folder = mkdtempSync(join(tmpdir(), 'vibed-bench-'))
    return new Bench(short, await Postgres.start(folder, ['-c', 'shared_buffers=256MB']), folder)
  }

  /** Vibed as built, on the servers' core, with neither limits nor logs. */
  server(start: Start = {}): Promise<Server> {
    return this.start(main, start, {
      VIBED_DATA_DIR: this.newFolder(),
      JWT_SECRET: this.secret,
      // A run is longer than the quarter of an hour that tokens are good for otherwise.
      JWT_ACCESS_EXPIRES_IN: '12h',
      RATE_LIMITS: 'off',
      MAX_CONNECTIONS_PER_IP: '100000',
      MAX_CONNECTIONS_PER_USER: '100000',
      LOG_LEVEL: 'silent',
    })
  }

  /** A file of bench/baselines, in the same way. */
  baseline(name: string, start: Start = {}): Promise<Server> {
    return this.start(built('baselines', name), start, { JWT_SECRET: this.secret })
  }

  /** A file of bench/load, in a process of its own; `O` is what it can be asked for. */
  load<O extends { [K in keyof O]: (...takes: never[]) => unknown }>(name: string): Load<O> {
    const load = new Load<O>(built('load', name))
    this.ends.push(() => load.close())
    return load
  }

  /** A database without tables of Vibed's; made and filled once a run, whoever asks for it. */
  database(name: string, fill?: (client: pg.Client) => Promise<unknown>): Promise<Database> {
    return this.once(name, () => this.create(name, 'template1', fill))
  }

  /** A database with Vibed's tables; made and filled once a run, whoever asks for it. */
  vibedDatabase(name: string, fill?: (client: pg.Client) => Promise<unknown>): Promise<Database> {
    return this.once(name, async () => {
      await this.once(TEMPLATE, () => this.layOut())
      return this.create(name, TEMPLATE, fill)
    })
  }

  /** Makes users with tokens, straight into one of Vibed's databases: others each time. */
  people({ name }: Database): People {
    const people = this.crowds.get(name) ?? new People(this.postgres, name, this.secret, new Random(name))
    this.crowds.set(name, people)
    return people
  }

  /** A token for somebody whom no database knows, which is enough for the baselines. */
  token(person: Omit<Person, 'token' | 'refreshToken'>): string {
    return new People(this.postgres, 'postgres', this.secret, new Random('')).token(person)
  }

  /** A Redis that ends with the workload. */
  async redis(): Promise<string> {
    const redis = await startRedis().catch((error: Error) => {
      throw new LeftOut(error.message)
    })
    this.ends.push(redis.stop)
    return redis.url
  }

  /** An empty folder that ends with the bench. */
  newFolder(): string {
    this.folders += 1
    return join(this.folder, `data-${this.folders}`)
  }

  /** Ends what a workload has started. */
  async clear(): Promise<void> {
    const ends = this.ends.splice(0).reverse()
    for (const end of ends) await end()
  }

  async close(): Promise<void> {
    await this.clear()
    await this.postgres.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  private async start(script: string, { database, counted, env }: Start, defaults: Record<string, string>) {
    const statements = database && counted ? await Statements.on(database.url) : undefined
    if (statements) this.ends.push(async () => statements.close())
    const url = statements?.url ?? database?.url
    const server = await Server.start(
      script,
      { ...defaults, ...(url !== undefined && { DATABASE_URL: url }), ...env },
      () => statements?.count ?? Number.NaN,
    )
    this.ends.push(() => server.kill())
    return server
  }

  private once(name: string, make: () => Promise<Database>): Promise<Database> {
    const made = this.databases.get(name) ?? make()
    this.databases.set(name, made)
    return made
  }

  private async layOut(): Promise<Database> {
    const database = await this.create(TEMPLATE, 'template1')
    const server = await this.server({ database })
    await server.stop()
    return database
  }

  private async create(name: string, template: string, fill?: (client: pg.Client) => Promise<unknown>) {
    await this.postgres.connected('postgres', client =>
      client.query(`create database ${name} template ${template}`),
    )
    const database: Database = {
      name,
      url: this.postgres.url(name),
      connected: work => this.postgres.connected(name, work),
    }
    if (fill) await database.connected(fill)
    return database
  }
}
