import { Autowired, Logger } from '@forinda/kickjs-core'
import type { Asker } from '../access/asker.js'
import { Events } from '../events.js'
import { Metrics } from '../metrics/metrics.js'
import { Rounds } from '../rounds.js'
import type { Changes } from './changes.contract.js'
import { Feed, type Sequenced } from './feed.js'

/** A channel or project, and how far its sequence has come. */
export interface Place {
  id: string
  lastSeq: number
}

/** How the feeds reach this node's sockets. */
export interface Listeners<Change> {
  deliver(change: Change): void
  /** Whether any socket of this node listens to the place. */
  listensTo(id: string): boolean
}

interface Served<Change extends Sequenced> {
  feed: Feed<Change>
  /** Joins under way: while there are any, the feed stays open without a listener. */
  joining: number
}

/** How often the feeds are compared with the database, in milliseconds. */
const COMPARE_MS = 2_000
/** How many missed changes are read at a time. */
const PORTION = 100

const logger = Logger.for('Feeds')

/**
 * One feed for each channel (or project) that sockets of this node listen to. A subclass knows where its
 * rows are and which events tell of them: a `Change` is what listeners hear, a `Row` what a joiner reads.
 */
export abstract class Feeds<Change extends Sequenced, Row extends Sequenced> {
  @Autowired(Events) protected events!: Events
  @Autowired(Metrics) private metrics!: Metrics
  /** What its places are, in the metrics. */
  protected abstract readonly kind: string
  private readonly served = new Map<string, Served<Change>>()
  private listeners: Listeners<Change> = { deliver: () => {}, listensTo: () => false }
  private readonly comparing = new Rounds(() => this.compare(), { everyMs: COMPARE_MS, logger })

  /** Starts to pass changes on. */
  open(listeners: Listeners<Change>): void {
    this.listeners = listeners
    this.metrics.gauge('feeds', 'What connections of this node follow', () => this.served.size, {
      kind: this.kind,
    })
    this.follow()
    this.events.on('bus.missed', () => this.comparing.wake())
    this.comparing.start()
  }

  /**
   * Lets a reader in between two changes: `enter` is called exactly where what it is told ends, namely
   * what he missed since `since`, or where the place stands.
   */
  async join(
    reader: Asker,
    id: string,
    since: number | undefined,
    enter: (told: Changes<Row>) => void,
  ): Promise<void> {
    // Held before anything is read: a feed hears of changes from when it is there.
    const served = this.hold(id)
    try {
      let told = await this.read(reader, id, since)
      while (!(await served.feed.joinAt(told.lastSeq, () => enter(told)))) {
        const from = since === undefined || 'reset' in told ? undefined : told.lastSeq
        told = this.append(told, await this.read(reader, id, from))
      }
    } finally {
      served.joining -= 1
      this.release(id)
    }
  }

  /** Closes the feed of a place that nobody listens to or joins. */
  release(id: string): void {
    const served = this.served.get(id)
    if (!served || served.joining > 0 || this.listeners.listensTo(id)) return
    served.feed.close()
    this.served.delete(id)
  }

  /** Passes nothing on any more; resolves when nothing is asked of the database any more. */
  close(): Promise<void> {
    for (const { feed } of this.served.values()) feed.close()
    this.served.clear()
    return this.comparing.stop()
  }

  /** Starts to listen to the events that tell of changes. */
  protected abstract follow(): void
  /** Where a place stands, for a reader who may see it. */
  protected abstract seen(reader: Asker, id: string): Promise<Place>
  /** What changed there since, for a joiner. */
  protected abstract changes(place: Place, since: number): Promise<Changes<Row>>
  /** What changed there since, for its listeners: the first `limit` changes. */
  protected abstract reload(id: string, since: number, limit: number): Promise<readonly Change[]>
  /** Where each of some places stands, in one statement. */
  protected abstract standings(ids: readonly string[]): Promise<readonly Place[]>
  /** What a row keeps when it changes. */
  protected abstract idOf(row: Row): string

  /** The feed of a place, where it is being followed. */
  protected feed(id: string): Feed<Change> | undefined {
    return this.served.get(id)?.feed
  }

  private hold(id: string): Served<Change> {
    const served = this.served.get(id) ?? { feed: this.feedOf(id), joining: 0 }
    this.served.set(id, served)
    served.joining += 1
    return served
  }

  private feedOf(id: string): Feed<Change> {
    return new Feed<Change>({
      deliver: change => this.listeners.deliver(change),
      reload: since => this.reload(id, since, PORTION),
    })
  }

  private async read(reader: Asker, id: string, since: number | undefined): Promise<Changes<Row>> {
    const place = await this.seen(reader, id)
    if (since === undefined) return { lastSeq: place.lastSeq, changes: [] }
    return this.changes(place, since)
  }

  private append(earlier: Changes<Row>, later: Changes<Row>): Changes<Row> {
    if ('reset' in earlier || 'reset' in later) return { lastSeq: later.lastSeq, reset: true }
    const replaced = new Set(later.changes.map(row => this.idOf(row)))
    const kept = earlier.changes.filter(row => !replaced.has(this.idOf(row)))
    return { lastSeq: later.lastSeq, changes: [...kept, ...later.changes] }
  }

  /** The database is the truth: a commit that nobody told this node of shows in the place's sequence. */
  private async compare() {
    if (this.served.size === 0) return
    for (const { id, lastSeq } of await this.standings([...this.served.keys()]))
      this.feed(id)?.expect(lastSeq)
  }
}
