import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startRedis } from '../../test/support/redis.js'
import { tcpProxy } from '../../test/support/tcp-proxy.js'
import { Crew, deal } from '../clients/crew.js'
import type { ClientPlan } from '../clients/orders.js'
import { readTruth, type Truth } from '../ledger/truth.js'
import type { Options } from './arguments.js'
import { NodeProcess } from './node-process.js'
import { People, type Place, settle } from './people.js'
import { Postgres } from './postgres.js'
import { Random } from './random.js'

/** What a scenario wants its nodes to be. */
export interface NodeWishes {
  /** How much the clock of each further node is ahead, in milliseconds. */
  skewMs?: number
  env?: Record<string, string>
}

/** Everything that stays for a whole run: Postgres, Redis where it is asked for, a folder. */
export class Lab {
  private constructor(
    readonly options: Options,
    readonly postgres: Postgres,
    private readonly redis: Awaited<ReturnType<typeof startRedis>> | undefined,
    private readonly folder: string,
  ) {}

  static async open(options: Options): Promise<Lab> {
    const folder = mkdtempSync(join(tmpdir(), 'vibed-chaos-'))
    const redis = options.redis ? await startRedis() : undefined
    return new Lab(options, await Postgres.start(folder), redis, folder)
  }

  /** An empty database with running nodes on it, and clients in `crews` processes. */
  async site(name: string, wishes: NodeWishes, crews: number): Promise<Site> {
    const { postgres, redis, options } = this
    const database = `${name}_${Date.now()}`
    await postgres.connected('postgres', client => client.query(`create database ${database}`))
    // What the nodes tell each other goes this way, so that the lab can cut it.
    const bus = await tcpProxy('127.0.0.1', redis ? Number(new URL(redis.url).port) : postgres.port)
    const secret = randomBytes(32).toString('hex')
    const nodes = Array.from({ length: options.nodes }, (_, n) => {
      const dataDir = join(this.folder, `${database}-${n}`)
      mkdirSync(dataDir)
      return new NodeProcess(`${name}-${n}`, {
        DATABASE_URL: postgres.url(database),
        ...(redis
          ? { REDIS_URL: `redis://127.0.0.1:${bus.port}` }
          : { DATABASE_DIRECT_URL: postgres.url(database, bus.port) }),
        VIBED_DATA_DIR: dataDir,
        JWT_SECRET: secret,
        RATE_LIMITS: 'off',
        LOG_LEVEL: 'warn',
        CLOCK_SKEW_MS: String(n * (wishes.skewMs ?? 0)),
        ...wishes.env,
      })
    })
    const random = new Random(options.seed).stream(name)
    const site = new Site(this, database, nodes, bus, new Crew(crews), secret, random)
    try {
      // One after the other: the first lays out the database.
      for (const node of nodes) await node.start()
    } catch (error) {
      await site.close()
      throw error
    }
    return site
  }

  async close(): Promise<void> {
    await this.redis?.stop()
    await this.postgres.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** What one scenario plays on: nodes on a database of its own, and the clients' processes. */
export class Site {
  readonly people: People

  constructor(
    readonly lab: Lab,
    readonly database: string,
    readonly nodes: readonly NodeProcess[],
    readonly bus: Awaited<ReturnType<typeof tcpProxy>>,
    readonly crew: Crew,
    secret: string,
    readonly random: Random,
  ) {
    this.people = new People(lab.postgres, database, secret, random.stream('people'))
  }

  get small(): boolean {
    return this.lab.options.small
  }

  get origins(): string[] {
    return this.nodes.map(({ origin }) => origin)
  }

  node(n: number): NodeProcess {
    const node = this.nodes[n % this.nodes.length]
    if (!node) throw new Error('there are no nodes')
    return node
  }

  settle(channels: number): Promise<Place> {
    return settle(this.node(0).origin, channels)
  }

  /** Connects clients, all of one user in the same process; resolves once each is in all its channels. */
  async open(plans: readonly ClientPlan[]): Promise<void> {
    const hands = deal(plans, this.crew.size)
    await this.crew.each('open', n => [
      { seed: `${this.random.seed}/crew-${n}`, origins: this.origins, clients: hands[n] ?? [] },
    ])
  }

  truth(channelIds: readonly string[]): Promise<Truth> {
    return this.lab.postgres.connected(this.database, client => readTruth(client, channelIds))
  }

  async close(): Promise<void> {
    await this.crew.close()
    await Promise.all(this.nodes.map(node => node.stop()))
    this.bus.close()
  }
}
