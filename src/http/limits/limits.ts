import { Autowired, PostConstruct, Service } from '@forinda/kickjs-core'
import { RateLimiterMemory, RateLimiterPostgres, RLWrapperTimeouts } from 'rate-limiter-flexible'
import { CONFIG, type Config } from '../../config.js'
import { Database } from '../../db/database.js'
import { Events } from '../../events.js'
import { Metrics } from '../../metrics/metrics.js'
import { type Allowance, Limit, type LimitOptions } from './limit.js'
import { SharedLimit } from './shared-limit.js'

/** How often nodes tell each other what was spent, in milliseconds. */
const TELL_MS = 250
/** How long the database may take to count, in milliseconds; without its answer memory counts. */
const PATIENCE_MS = 2_000

/** Makes limits of three kinds, after how often a thing happens and how exactly it must be counted. */
@Service()
export class Limits {
  @Autowired(CONFIG) private config!: Config
  @Autowired(Database) private db!: Database
  @Autowired(Events) private events!: Events
  @Autowired(Metrics) private metrics!: Metrics
  private readonly shared = new Map<string, SharedLimit>()
  private teller: NodeJS.Timeout | undefined

  @PostConstruct()
  listen(): void {
    this.events.on('limits.spent', ({ limit, spent }) => this.shared.get(limit)?.hear(spent))
  }

  get areOn(): boolean {
    return this.config.rateLimits
  }

  /** Counted in this process alone: for what cannot be anywhere else. */
  ofProcess({ name, points, seconds }: Allowance): Limit {
    return new Limit(new RateLimiterMemory({ points, duration: seconds }), this.optionsOf(name))
  }

  /** Counted in memory, and told to the other nodes: for what happens too often to ask the database. */
  ofNodes(allowance: Allowance): SharedLimit {
    const { name } = allowance
    const limit = new SharedLimit(allowance, this.optionsOf(name), () => this.tellLater())
    this.shared.set(name, limit)
    return limit
  }

  /** Counted in the database: exact on all nodes, and not forgotten by a restart. */
  ofDatabase({ name, points, seconds }: Allowance): Limit {
    const allowance = { keyPrefix: name, points, duration: seconds }
    const counter = new RateLimiterPostgres({
      ...allowance,
      storeClient: this.db.pool,
      storeType: 'pool',
      tableName: 'rate_limits',
      tableCreated: true,
      clearExpiredByTimeout: false,
      // Whoever goes on and on does not cost the database a write each time.
      inMemoryBlockOnConsumed: 2 * points,
      insuranceLimiter: new RateLimiterMemory(allowance),
    })
    return new Limit(
      new RLWrapperTimeouts({ limiter: counter, timeoutMs: PATIENCE_MS }),
      this.optionsOf(name),
    )
  }

  /** Tells the other nodes what was spent here by `now`, and rests when there is nothing to tell for a while. */
  tell(now: number): void {
    for (const [limit, shared] of this.shared) {
      const spent = shared.news(now)
      if (spent.length > 0) this.events.emitElsewhere('limits.spent', { limit, spent })
    }
    if (![...this.shared.values()].every(({ isQuiet }) => isQuiet)) return
    clearInterval(this.teller)
    this.teller = undefined
  }

  private tellLater() {
    this.teller ??= setInterval(() => this.tell(Date.now()), TELL_MS).unref()
  }

  private optionsOf(name: string): LimitOptions {
    return { isOn: this.areOn, onRefusal: () => this.metrics.limited(name) }
  }
}
