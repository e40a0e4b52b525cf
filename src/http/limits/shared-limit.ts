import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible'
import { type Allowance, Limit, type LimitOptions } from './limit.js'

/** How much was spent, by key. */
export type Spent = [key: string, points: number][]

interface Spending {
  points: number
  told: number
  /** When the window ends, in milliseconds since 1970. */
  until: number
}

/** Only who spends so much of the limit here is worth a word to the others. */
const NOTABLE_SHARE = 0.1
/** So many keys are told at a time, and the others the next time. */
const MOST_KEYS = 50

/**
 * A limit counted in memory, to which each node adds what the others tell. Until they have, somebody can
 * spend some more by spreading his requests; without them, the limit holds for each node.
 */
export class SharedLimit extends Limit<RateLimiterMemory> {
  /** What was let through here in the running windows. */
  private readonly own = new Map<string, Spending>()

  constructor(
    { points, seconds }: Allowance,
    options: LimitOptions,
    private readonly onNews: () => void,
  ) {
    super(new RateLimiterMemory({ points, duration: seconds }), options)
  }

  /** Nothing has been spent lately. */
  get isQuiet(): boolean {
    return this.own.size === 0
  }

  /** What the others have not been told yet by `now`. They are told once. */
  news(now: number): Spent {
    const news: Spent = []
    for (const [key, spending] of this.own) {
      const { points, told, until } = spending
      if (until <= now) this.own.delete(key)
      else if (points > told && points >= this.counter.points * NOTABLE_SHARE) {
        news.push([key, points - told])
        // To the end of the line, so that the same ones are not always first.
        this.own.delete(key)
        this.own.set(key, { points, told: points, until })
      }
      if (news.length === MOST_KEYS) break
    }
    return news
  }

  /** Adds what another node has let through. */
  hear(spent: Spent): void {
    if (!this.options.isOn) return
    for (const [key, points] of spent) void this.counter.penalty(key, points)
  }

  protected override counted(key: string, { isFirstInDuration, msBeforeNext }: RateLimiterRes): void {
    const known = isFirstInDuration ? undefined : this.own.get(key)
    if (known) known.points += 1
    else this.own.set(key, { points: 1, told: 0, until: Date.now() + msBeforeNext })
    this.onNews()
  }
}
