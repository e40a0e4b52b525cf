import { Autowired, Service } from '@forinda/kickjs-core'
import { sqlState } from '../../db/database.js'
import { refuse } from '../../errors.js'
import { type Draft, MessageBatch, type Verdict } from './message-batch.js'

interface Waiting {
  draft: Draft
  resolve(verdict: Verdict): void
  reject(error: unknown): void
}

/** Larger batches gain nothing more, and hold their channels' locks longer. In messages and characters. */
const LARGEST_BATCH = 500
const LONGEST_BATCH = 500_000
const MOST_WAITING = 10_000

/** SQLSTATE classes of what is wrong with the data of a statement, not with the database (PostgreSQL, appendix A). */
const DATA_FAULT = /^2[23]/

/**
 * Sends that arrive while a commit is under way share the next one. One batch is in flight at a
 * time, so what arrives first is numbered first.
 */
@Service()
export class SendQueue {
  @Autowired(MessageBatch) private batch!: MessageBatch
  private waiting: Waiting[] = []
  private draining = false

  /** @throws RATE_LIMITED when more drafts wait than could be stored in a moment */
  push(draft: Draft): Promise<Verdict> {
    if (this.waiting.length >= MOST_WAITING)
      return Promise.reject(refuse('RATE_LIMITED', { retryAfterMs: 1_000 }))
    return new Promise((resolve, reject) => {
      this.waiting.push({ draft, resolve, reject })
      if (this.draining) return
      this.draining = true
      // After this turn of the event loop, so that all its sends go together.
      setImmediate(() => void this.drain())
    })
  }

  private async drain() {
    while (this.waiting.length > 0) await this.commit(this.nextBatch())
    this.draining = false
  }

  /** A repeated id, or a reply to a message of this very batch, has to find the other one stored. */
  private nextBatch(): Waiting[] {
    const ids = new Set<string>()
    let length = 0
    const end = this.waiting.findIndex(({ draft }, n) => {
      const mustWait = ids.has(draft.id) || (draft.parentId !== null && ids.has(draft.parentId))
      ids.add(draft.id)
      length += draft.content.length
      return n > 0 && (mustWait || n >= LARGEST_BATCH || length > LONGEST_BATCH)
    })
    return this.waiting.splice(0, end === -1 ? this.waiting.length : end)
  }

  private async commit(batch: readonly Waiting[]) {
    try {
      const verdicts = await this.batch.store(batch.map(({ draft }) => draft))
      for (const [n, verdict] of verdicts.entries()) batch[n]?.resolve(verdict)
    } catch (error) {
      const isData = DATA_FAULT.test(sqlState(error) ?? '')
      // One bad draft must not fail the others that happened to arrive with it.
      if (isData && batch.length > 1) for (const single of batch) await this.commit([single])
      else for (const { reject } of batch) reject(error)
    }
  }
}
