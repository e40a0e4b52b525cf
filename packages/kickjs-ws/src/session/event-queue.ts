/** One event's work, in two steps. Neither may reject. */
export interface Job {
  /** May overlap with other concurrent jobs. */
  concurrent: boolean
  /** What the event keeps in memory until it is done. */
  bytes: number
  /** The step that never overlaps (guards, validation), so that `run` starts in order. False: no `run`. */
  prepare(): Promise<boolean>
  run(): Promise<void>
}

const MAX_WAITING = 1_000
const MAX_OVERLAPPING = 1_000

/**
 * Runs the events of one socket. They start in the order added: each when all earlier ones are done,
 * or for a concurrent one, when the earlier ones that are not concurrent are done.
 */
export class EventQueue {
  private readonly waiting: Job[] = []
  private running = 0
  private bytes = 0
  /** A job that nothing may overlap with is under way. */
  private blocked = false

  constructor(private readonly maxBytes: number) {}

  /** Whether a client should be told to slow down. */
  get isFull(): boolean {
    return this.waiting.length >= MAX_WAITING || this.bytes >= this.maxBytes
  }

  add(job: Job): void {
    this.bytes += job.bytes
    if (this.waiting.length === 0 && this.mayStart(job)) void this.start(job)
    else this.waiting.push(job)
  }

  /** Resolves when all that was added before is done. */
  drained(): Promise<void> {
    return new Promise(resolve => {
      this.add({ concurrent: false, bytes: 0, prepare: async () => true, run: async () => resolve() })
    })
  }

  private startNext(): void {
    const job = this.waiting[0]
    if (!job || !this.mayStart(job)) return
    this.waiting.shift()
    void this.start(job)
  }

  private mayStart(job: Job): boolean {
    return !this.blocked && this.running < (job.concurrent ? MAX_OVERLAPPING : 1)
  }

  private async start(job: Job): Promise<void> {
    this.running += 1
    this.blocked = true
    const ready = await job.prepare()
    const overlaps = job.concurrent && ready
    if (overlaps) this.unblock()
    if (ready) await job.run()
    this.running -= 1
    this.bytes -= job.bytes
    if (overlaps) this.startNext()
    else this.unblock()
  }

  private unblock(): void {
    this.blocked = false
    this.startNext()
  }
}
