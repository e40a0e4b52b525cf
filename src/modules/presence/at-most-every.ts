/**
 * Runs `work` when asked, but no more often than every `intervalMs`: at once after a rest, else at the end
 * of the interval, once for all who asked meanwhile. Runs never overlap. `work` must not reject.
 */
export class AtMostEvery {
  private timer: NodeJS.Timeout | undefined
  private lastAt = Number.NEGATIVE_INFINITY
  private running = false
  private asked = false
  private stopped = false

  constructor(
    private readonly intervalMs: number,
    private readonly work: () => void | Promise<void>,
  ) {}

  ask(): void {
    this.asked = true
    if (this.running || this.timer || this.stopped) return
    const wait = this.lastAt + this.intervalMs - performance.now()
    if (wait <= 0) void this.run()
    else this.timer = setTimeout(() => void this.run(), wait).unref()
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
  }

  private async run() {
    this.timer = undefined
    this.asked = false
    this.running = true
    this.lastAt = performance.now()
    await this.work()
    this.running = false
    if (this.asked) this.ask()
  }
}
