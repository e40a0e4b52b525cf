import { refuse } from './errors.js'

/** Lets a few works run at once while the others wait in line, so that a flood of them starves nobody else. */
export class Turns {
  private running = 0
  private readonly line: (() => void)[] = []

  constructor(
    private readonly atOnce: number,
    private readonly longestLine: number,
  ) {}

  get idle(): boolean {
    return this.running === 0
  }

  /**
   * Runs `work` when its turn comes, in the order asked; gives what it gives.
   * @throws RATE_LIMITED when the line is too long to stand in
   */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.running >= this.atOnce) await this.stand()
    else this.running++
    try {
      return await work()
    } finally {
      const next = this.line.shift()
      if (next) next()
      else this.running--
    }
  }

  private stand(): Promise<void> {
    if (this.line.length >= this.longestLine) throw refuse('RATE_LIMITED', { retryAfterMs: 1_000 })
    return new Promise(resolve => this.line.push(resolve))
  }
}

/** Turns for each of many things, which know nothing of each other. */
export class TurnsByKey {
  private readonly turns = new Map<string, Turns>()

  /** Of each thing so many works run at once, and so many wait. */
  constructor(
    private readonly atOnce: number,
    private readonly longestLine: number,
  ) {}

  /**
   * Runs `work` when its turn comes among those of the same key; gives what it gives.
   * @throws RATE_LIMITED when the line is too long to stand in
   */
  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turns = this.turns.get(key) ?? new Turns(this.atOnce, this.longestLine)
    this.turns.set(key, turns)
    try {
      return await turns.take(work)
    } finally {
      if (turns.idle) this.turns.delete(key)
    }
  }

  /**
   * Makes a change of what `ask` gives, when the turn has come among those of the same key. Then it is asked
   * again, where that took a while: a right may have gone while it was waited for.
   * @throws RATE_LIMITED when the line is too long to stand in, and what the two throw
   */
  async takeFor<Found, T>(
    ask: () => Promise<Found>,
    keyOf: (found: Found) => string,
    change: (found: Found) => Promise<T>,
  ): Promise<T> {
    const found = await ask()
    const key = keyOf(found)
    if (!this.turns.has(key)) return this.take(key, () => change(found))
    return this.take(key, async () => change(await ask()))
  }
}
