import { Autowired, Service } from '@forinda/kickjs-core'
import type { Guard } from '@forinda/kickjs-ws'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { CONFIG, type Config } from '../config.js'
import { refuse } from '../errors.js'
import type { Principal } from './principal.js'

/** How often one user may send events on all his sockets of this process; a stranger on his one. */
@Service()
export class SocketLimits {
  @Autowired(CONFIG) private config!: Config
  /** 100 a second, in bursts of up to 300. */
  private readonly events = new RateLimiterMemory({ points: 300, duration: 3 })

  /** Runs before an event is looked at. Refuses with RATE_LIMITED and the time to wait. */
  readonly guard: Guard = async ctx => {
    if (!this.config.rateLimits) return
    try {
      await this.events.consume(ctx.get<Principal | undefined>('user')?.id ?? ctx.id)
    } catch (spent) {
      if (!(spent instanceof RateLimiterRes)) throw spent
      throw refuse('RATE_LIMITED', { retryAfterMs: Math.max(1, Math.ceil(spent.msBeforeNext)) })
    }
  }
}
