import { Logger } from '@forinda/kickjs-core'

const logger = Logger.for('Feed')

/** Between two tries to read what was missed, in milliseconds. */
const LONGEST_WAIT = 2_000

export interface Sequenced {
  seq: number
}

export interface FeedOptions<E extends Sequenced> {
  /** Hands one event to everybody who listens on this node. */
  deliver(event: E): void
  /** The changes later than `since`, in the order of their `seq`, some hundreds at most at a time. */
  reload(since: number): Promise<readonly E[]>
  /** How long a hole may stay open before the database is asked, in milliseconds. */
  patience?: number
}

/**
 * Delivers the changes of one channel (or project) to this node's listeners, each once and in the
 * order of the sequence, whatever order their commits were heard of in. A hole waits for what is
 * still under way and is then filled from the database, so that a lost wake-up loses nothing.
 */
export class Feed<E extends Sequenced> {
  private readonly held = new Map<number, E>()
  private joiners: { at: number; join: () => void }[] = []
  /** The latest change that was delivered; unknown until the first listener joins. */
  private position: number | undefined
  /** The latest change known to be committed. */
  private committed = 0
  /** Up to here nothing arrives by itself. */
  private untold = 0
  private timer: NodeJS.Timeout | undefined
  private isFilling = false
  private failures = 0
  private closed = false

  constructor(private readonly options: FeedOptions<E>) {}

  /** A change was committed; it is delivered once all before it are. */
  offer(event: E): void {
    if (this.position !== undefined && event.seq <= this.position) return
    this.held.set(event.seq, event)
    this.expect(event.seq)
  }

  /** The sequence is known to have come this far: what is missing is fetched if it does not arrive by itself. */
  expect(seq: number): void {
    this.committed = Math.max(this.committed, seq)
    this.advance()
  }

  /** The same where nothing will arrive by itself: what is missing is fetched at once. */
  fetch(seq: number): void {
    this.untold = Math.max(this.untold, seq)
    this.expect(seq)
  }

  /**
   * Calls `join` exactly between change `at` and the next one: who knows everything up to `at`, and
   * joins there, misses nothing and gets nothing twice. The first to join a new feed decides where it
   * starts; he must have read `at` after the feed was made.
   * @returns whether he joined; false when the feed is already past `at`: read on from there and try again.
   *   What `join` throws is his alone to hear
   */
  async joinAt(at: number, join: () => void): Promise<boolean> {
    if (this.position === undefined) this.start(at)
    const { position = at } = this
    if (at < position) return false
    if (at === position) {
      join()
      return true
    }
    await new Promise<void>((resolve, reject) => {
      const admit = () => {
        try {
          resolve(join())
        } catch (error) {
          reject(error)
        }
      }
      this.joiners.push({ at, join: admit })
      this.expect(at)
    })
    return true
  }

  close(): void {
    this.closed = true
    clearTimeout(this.timer)
  }

  private start(at: number) {
    this.position = at
    for (const seq of this.held.keys()) if (seq <= at) this.held.delete(seq)
    this.advance()
  }

  private advance() {
    if (this.position === undefined) return
    for (let next = this.held.get(this.position + 1); next; next = this.held.get(next.seq + 1))
      this.pass(next)
    if (this.committed > this.position) this.wait()
    else this.rest()
  }

  private pass(event: E) {
    this.held.delete(event.seq)
    this.admit(event.seq - 1)
    this.position = event.seq
    this.options.deliver(event)
    this.admit(event.seq)
  }

  private admit(reached: number) {
    if (this.joiners.length === 0) return
    const ready = this.joiners.filter(({ at }) => at <= reached)
    this.joiners = this.joiners.filter(({ at }) => at > reached)
    for (const { join } of ready) join()
  }

  private wait() {
    if (this.closed || this.isFilling) return
    if (this.untold > (this.position ?? 0) && this.failures === 0) {
      void this.fill()
    } else if (!this.timer) {
      const { patience = 50 } = this.options
      const pause = Math.min(patience * 2 ** this.failures, LONGEST_WAIT)
      this.timer = setTimeout(() => void this.fill(), pause).unref()
    }
  }

  private rest() {
    clearTimeout(this.timer)
    this.timer = undefined
  }

  private async fill() {
    this.rest()
    this.isFilling = true
    const { position: since = 0, committed } = this
    try {
      const missed = await this.options.reload(since)
      this.failures = 0
      // What was delivered meanwhile makes the answer stale: it is asked for again.
      if (this.position === since && !this.closed) this.take(missed, committed)
    } catch (error) {
      this.failures += 1
      logger.warn({ err: error }, 'missed changes could not be read; trying again')
    }
    this.isFilling = false
    this.advance()
  }

  /** Rows come with their latest change only: a sequence may jump over changes that a later one replaced. */
  private take(missed: readonly E[], committed: number) {
    for (const event of missed) this.pass(event)
    for (const seq of this.held.keys()) if (seq <= (this.position ?? 0)) this.held.delete(seq)
    if (missed.length === 0) this.skip(committed)
  }

  /** Where no row is left of what led up to a change, there is nothing to wait for before it. */
  private skip(committed: number) {
    const reached = Math.min(committed, ...[...this.held.keys()].map(seq => seq - 1))
    this.admit(reached)
    this.position = reached
  }
}
