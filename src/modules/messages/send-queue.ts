import { Autowired, Service } from '@forinda/kickjs-core'
import { type Draft, MessageBatch, type Verdict } from './message-batch.js'

interface Waiting {
  draft: Draft
  resolve(verdict: Verdict): void
  reject(error: unknown): void
}

/** Larger batches gain nothing more, and hold their channels' locks longer. */
const LARGEST_BATCH = 500

/**
 * Sends that arrive while a commit is under way share the next one. One batch is in flight at a
 * time, so what arrives first is numbered first.
 */
@Service()
export class SendQueue {
  @Autowired(MessageBatch) private batch!: MessageBatch
  private waiting: Waiting[] = []
  private draining = false

  push(draft: Draft): Promise<Verdict> {
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
    const end = this.waiting.findIndex(({ draft }, n) => {
      const mustWait = ids.has(draft.id) || (draft.parentId !== null && ids.has(draft.parentId))
      ids.add(draft.id)
      return mustWait || n >= LARGEST_BATCH
    })
    return this.waiting.splice(0, end === -1 ? this.waiting.length : end)
  }

  private async commit(batch: readonly Waiting[]) {
    try {
      const verdicts = await this.batch.store(batch.map(({ draft }) => draft))
      for (const [n, verdict] of verdicts.entries()) batch[n]?.resolve(verdict)
    } catch (error) {
      if (batch.length === 1) batch[0]?.reject(error)
      // One bad draft must not fail the others that happened to arrive with it.
      else for (const single of batch) await this.commit([single])
    }
  }
}
