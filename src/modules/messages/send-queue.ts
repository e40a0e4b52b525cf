import { Autowired, Service } from '@forinda/kickjs-core'
import { sqlState } from '../../db/database.js'
import { refuse } from '../../errors.js'
import { Turns } from '../../turns.js'
import { type Draft, MessageBatch, type OnLocked, type Verdict } from './message-batch.js'

/** What became of a draft in the end. */
export type Settled = Exclude<Verdict, { kind: 'channel-busy' }>

interface Waiting {
  draft: Draft
  resolve(verdict: Settled): void
  reject(error: unknown): void
}

/** Larger batches gain nothing more, and hold their channels' locks longer. In messages and characters. */
const LARGEST_BATCH = 500
const LONGEST_BATCH = 500_000
const MOST_WAITING = 10_000

/** SQLSTATE classes of what is wrong with the data of a statement, not with the database (PostgreSQL, appendix A). */
const DATA_FAULT = /^2[23]/

/** So many channels that others hold may be waited for at a time: each takes a connection. */
const MOST_LANES = 3

/**
 * Sends that arrive while a commit is under way share the next one. One batch is in flight at a
 * time, so what arrives first is numbered first. A channel that somebody else holds does not hold up the
 * rest: its drafts wait in a lane of their own, in their order.
 */
@Service()
export class SendQueue {
  @Autowired(MessageBatch) private batch!: MessageBatch
  private waiting: Waiting[] = []
  /** By channel. */
  private readonly lanes = new Map<string, Waiting[]>()
  private readonly turns = new Turns(MOST_LANES, Number.POSITIVE_INFINITY)
  private unsettled = 0
  private draining = false

  /** @throws RATE_LIMITED when more drafts wait than could be stored in a moment */
  async push(draft: Draft): Promise<Settled> {
    if (this.unsettled >= MOST_WAITING) throw refuse('RATE_LIMITED', { retryAfterMs: 1_000 })
    this.unsettled += 1
    try {
      return await new Promise<Settled>((resolve, reject) => this.enqueue({ draft, resolve, reject }))
    } finally {
      this.unsettled -= 1
    }
  }

  private enqueue(waiting: Waiting) {
    const lane = this.lanes.get(waiting.draft.channelId)
    if (lane) {
      lane.push(waiting)
      return
    }
    this.waiting.push(waiting)
    if (this.draining) return
    this.draining = true
    // After this turn of the event loop, so that all its sends go together.
    setImmediate(() => void this.drain())
  }

  private async drain() {
    while (this.waiting.length > 0) {
      const batch = takeBatch(this.waiting)
      await this.commit(batch, 'skip')
    }
    this.draining = false
  }

  private async commit(batch: readonly Waiting[], onLocked: OnLocked) {
    try {
      const verdicts = await this.batch.store(
        batch.map(({ draft }) => draft),
        onLocked,
      )
      for (const [n, waiting] of batch.entries()) this.settle(waiting, verdicts[n])
    } catch (error) {
      const isData = DATA_FAULT.test(sqlState(error) ?? '')
      // One bad draft must not fail the others that happened to arrive with it.
      if (isData && batch.length > 1) for (const single of batch) await this.commit([single], onLocked)
      else for (const { reject } of batch) reject(error)
    }
  }

  private settle(waiting: Waiting, verdict: Verdict | undefined) {
    if (!verdict) waiting.reject(new Error('A draft got no verdict'))
    else if (verdict.kind === 'channel-busy') this.putAside(waiting)
    else waiting.resolve(verdict)
  }

  private putAside(waiting: Waiting) {
    const { channelId } = waiting.draft
    const lane = this.lanes.get(channelId)
    if (lane) {
      lane.push(waiting)
      return
    }
    this.lanes.set(channelId, [waiting])
    // When all of its batch have been put aside, and before the next batch is taken.
    queueMicrotask(() => this.openLane(channelId))
  }

  /** What came for the channel meanwhile goes behind what was put aside. */
  private openLane(channelId: string) {
    const isIts = ({ draft }: Waiting) => draft.channelId === channelId
    const lane = this.lanes.get(channelId) ?? []
    lane.push(...this.waiting.filter(isIts))
    this.waiting = this.waiting.filter(waiting => !isIts(waiting))
    void this.turns.take(async () => {
      while (lane.length > 0) await this.commit(takeBatch(lane), 'wait')
      this.lanes.delete(channelId)
    })
  }
}

/** A repeated id, or a reply to a message of this very batch, has to find the other one stored. */
function takeBatch(waiting: Waiting[]): Waiting[] {
  const ids = new Set<string>()
  let length = 0
  const end = waiting.findIndex(({ draft }, n) => {
    const mustWait = ids.has(draft.id) || (draft.parentId !== null && ids.has(draft.parentId))
    ids.add(draft.id)
    length += draft.content.length
    return n > 0 && (mustWait || n >= LARGEST_BATCH || length > LONGEST_BATCH)
  })
  return waiting.splice(0, end === -1 ? waiting.length : end)
}
