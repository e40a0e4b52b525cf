import { Autowired, PostConstruct, Service } from '@forinda/kickjs-core'
import { ThisNode } from '../../cluster/this-node.js'
import { CONFIG, type Config } from '../../config.js'
import { refuse } from '../../errors.js'
import { type DomainEvents, Events } from '../../events.js'
import { Metrics } from '../../metrics/metrics.js'
import { networkOf } from './networks.js'

/** Whose connection it is, as far as that is known yet: his, his address', or both. */
export interface Holder {
  userId?: string | undefined
  address?: string | undefined
}

type Counts = DomainEvents['connections.counted']['counts']

/** Only who has so much of his limit here is worth a word to the others. */
const NOTABLE_SHARE = 0.1
/** Of those, so many are told, the fullest first. */
const MOST_KEYS = 50
const TELL_MS = 1_000
const TELL_AGAIN_MS = 10_000
/** What a node told counts for so long, in milliseconds: it may be gone. */
const BELIEVED_MS = 30_000
const RETRY_MS = 5_000

const USER = 'user '

/**
 * How many connections, sockets and streams together, each user and each address has on all nodes. What
 * other nodes have is known a second later, and without the bus not at all.
 */
@Service()
export class ConnectionCounts {
  @Autowired(CONFIG) private config!: Config
  @Autowired(Events) private events!: Events
  @Autowired(Metrics) private metrics!: Metrics
  @Autowired(ThisNode) private node!: ThisNode
  private readonly own = new Map<string, number>()
  private readonly others = new Map<string, { heardAt: number; counts: Map<string, number> }>()
  private teller: NodeJS.Timeout | undefined
  private told = '[]'
  private toldAt = 0

  @PostConstruct()
  listen(): void {
    this.events.on('connections.counted', event => this.hear(event, Date.now()))
    this.events.on('node.left', ({ nodeId }) => {
      this.others.delete(nodeId)
    })
  }

  /**
   * Counts a connection until it is released, which may be done more than once.
   * @throws RATE_LIMITED where its user or address has as many as may be
   */
  take(holder: Holder, now = Date.now()): () => void {
    if (!this.config.rateLimits) return () => {}
    const keys = keysOf(holder)
    if (keys.some(key => this.countOf(key, now) >= this.mostOf(key))) throw this.refusal()
    for (const key of keys) this.own.set(key, (this.own.get(key) ?? 0) + 1)
    this.teller ??= setInterval(() => this.tell(Date.now()), TELL_MS).unref()
    let isHeld = true
    return () => {
      if (isHeld) for (const key of keys) this.release(key)
      isHeld = false
    }
  }

  /** What another node has, by its own word. */
  hear({ nodeId, counts }: DomainEvents['connections.counted'], now: number): void {
    this.others.set(nodeId, { heardAt: now, counts: new Map(counts) })
  }

  /** Tells the others by `now` what they do not know, or are about to forget; rests when there is nothing left. */
  tell(now: number): void {
    const counts = this.notable()
    const text = JSON.stringify(counts)
    const isDue = counts.length > 0 && this.toldAt + TELL_AGAIN_MS <= now
    if (text !== this.told || isDue) {
      this.events.emitElsewhere('connections.counted', { nodeId: this.node.id, counts })
      this.told = text
      this.toldAt = now
    }
    if (this.own.size > 0) return
    clearInterval(this.teller)
    this.teller = undefined
  }

  private countOf(key: string, now: number): number {
    let count = this.own.get(key) ?? 0
    for (const [nodeId, { heardAt, counts }] of this.others) {
      if (heardAt + BELIEVED_MS <= now) this.others.delete(nodeId)
      else count += counts.get(key) ?? 0
    }
    return count
  }

  private release(key: string) {
    const left = (this.own.get(key) ?? 0) - 1
    if (left > 0) this.own.set(key, left)
    else this.own.delete(key)
  }

  private notable(): Counts {
    const share = ([key, count]: [string, number]) => count / this.mostOf(key)
    return [...this.own]
      .filter(entry => share(entry) >= NOTABLE_SHARE)
      .sort((one, other) => share(other) - share(one))
      .slice(0, MOST_KEYS)
  }

  private mostOf(key: string): number {
    const { maxConnectionsPerUser, maxConnectionsPerAddress } = this.config
    return key.startsWith(USER) ? maxConnectionsPerUser : maxConnectionsPerAddress
  }

  private refusal() {
    this.metrics.limited('connections')
    return refuse('RATE_LIMITED', { message: 'Close some of your connections first', retryAfterMs: RETRY_MS })
  }
}

function keysOf({ userId, address }: Holder): string[] {
  return [
    ...(userId === undefined ? [] : [`${USER}${userId}`]),
    ...(address === undefined ? [] : [`address ${networkOf(address)}`]),
  ]
}
