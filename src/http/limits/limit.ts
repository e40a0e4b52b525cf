import type { HttpException } from '@forinda/kickjs-core'
import { type RateLimiterAbstract, RateLimiterRes } from 'rate-limiter-flexible'
import { refuse } from '../../errors.js'

/** How often something may be done by each, in how many seconds. */
export interface Allowance {
  name: string
  points: number
  seconds: number
}

export interface LimitOptions {
  /** Off, everything is allowed and nothing counted. */
  isOn: boolean
  onRefusal(): void
}

/** A limit on each of those who do something, known by a key. Refuses with RATE_LIMITED and the time to wait. */
export class Limit<Counter extends RateLimiterAbstract = RateLimiterAbstract> {
  constructor(
    protected readonly counter: Counter,
    protected readonly options: LimitOptions,
  ) {}

  /** Counts one, or refuses it. */
  async spend(key: string): Promise<void> {
    if (!this.options.isOn) return
    try {
      this.counted(key, await this.counter.consume(key))
    } catch (spent) {
      throw spent instanceof RateLimiterRes ? this.refusal(spent) : spent
    }
  }

  /** Refuses where the next one would be. Counts nothing. */
  async refuseSpent(key: string): Promise<void> {
    if (!this.options.isOn) return
    const state = await this.counter.get(key)
    if (state && state.consumedPoints >= this.counter.points) throw this.refusal(state)
  }

  /** Takes one back that was counted. */
  async giveBack(key: string): Promise<void> {
    if (this.options.isOn) await this.counter.reward(key)
  }

  async forget(key: string): Promise<void> {
    if (this.options.isOn) await this.counter.delete(key)
  }

  /** One was let through. */
  protected counted(_key: string, _state: RateLimiterRes): void {}

  private refusal({ msBeforeNext }: RateLimiterRes): HttpException {
    this.options.onRefusal()
    return refuse('RATE_LIMITED', { retryAfterMs: Math.max(1, Math.ceil(msBeforeNext)) })
  }
}
