import { isIPv6 } from 'node:net'
import { Autowired, HttpException, Service } from '@forinda/kickjs-core'
import type { RouteGuard } from '@forinda/kickjs-http'
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { CONFIG, type Config } from '../config.js'
import { refuse } from '../errors.js'
import { Turns } from '../turns.js'

type Address = string | undefined

const HOUR = 3600

/** How often something may be done, counted in this process. All refuse with RATE_LIMITED and the time to wait. */
@Service()
export class RateLimits {
  @Autowired(CONFIG) private config!: Config
  /** 100 a second, in bursts of up to 400. */
  private readonly requests = new RateLimiterMemory({ points: 400, duration: 4 })
  private readonly registrations = new RateLimiterMemory({ points: 60, duration: HOUR })
  private readonly resets = new RateLimiterMemory({ points: 5, duration: HOUR })
  private readonly failuresOfAccount = new RateLimiterMemory({ points: 10, duration: HOUR / 4 })
  private readonly failuresOfAddress = new RateLimiterMemory({ points: 100, duration: HOUR })
  /** Attempts to sign in from one address take turns, so that none starts before the last one is counted. */
  private readonly attempts = new Map<string, Turns>()

  /** Counts each request against its user, or its address where there is none. Runs after authentication. */
  readonly guard: RouteGuard = async ctx => {
    const user = ctx.get<{ id: string }>('user')
    if (user) await this.spend(this.requests, user.id)
    else await this.anonymous(ctx.req.ip)
  }

  anonymous(ip: Address): Promise<void> {
    return this.spend(this.requests, networkOf(ip))
  }

  /** Before anything is looked up for whoever may be guessing. Counts nothing. */
  async refuseSpent(ip: Address): Promise<void> {
    if (this.config.rateLimits) await refuseIfSpent(this.requests, networkOf(ip))
  }

  registration(ip: Address): Promise<void> {
    return this.spend(this.registrations, networkOf(ip))
  }

  passwordReset(ip: Address, email: string): Promise<void> {
    return this.spend(this.resets, `${networkOf(ip)} ${email}`)
  }

  /**
   * Runs an attempt to sign in, unless this address failed too often, with this e-mail or with any.
   * An attempt that throws INVALID_CREDENTIALS is a failure; one that succeeds clears the account's.
   */
  async login<T>(ip: Address, email: string, attempt: () => Promise<T>): Promise<T> {
    if (!this.config.rateLimits) return attempt()
    const address = networkOf(ip)
    const turns = this.attempts.get(address) ?? new Turns(1, 500)
    this.attempts.set(address, turns)
    try {
      return await turns.take(() => this.countFailure(address, `${address} ${email}`, attempt))
    } finally {
      if (turns.idle) this.attempts.delete(address)
    }
  }

  private async countFailure<T>(address: string, account: string, attempt: () => Promise<T>): Promise<T> {
    await refuseIfSpent(this.failuresOfAccount, account)
    await refuseIfSpent(this.failuresOfAddress, address)
    try {
      const result = await attempt()
      await this.failuresOfAccount.delete(account)
      return result
    } catch (error) {
      if (error instanceof HttpException && error.code === 'INVALID_CREDENTIALS') {
        await this.failuresOfAccount.penalty(account)
        await this.failuresOfAddress.penalty(address)
      }
      throw error
    }
  }

  private async spend(limiter: RateLimiterMemory, key: string): Promise<void> {
    if (!this.config.rateLimits) return
    try {
      await limiter.consume(key)
    } catch (spent) {
      throw spent instanceof RateLimiterRes ? limited(spent) : spent
    }
  }
}

async function refuseIfSpent(limiter: RateLimiterMemory, key: string): Promise<void> {
  const state = await limiter.get(key)
  if (state && state.consumedPoints >= limiter.points) throw limited(state)
}

function limited({ msBeforeNext }: RateLimiterRes): HttpException {
  return refuse('RATE_LIMITED', { retryAfterMs: Math.max(1, Math.ceil(msBeforeNext)) })
}

/** An IPv4 address, or the /64 of an IPv6 one: that is what one customer has. */
function networkOf(ip = ''): string {
  if (!isIPv6(ip)) return ip
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)?.[1]
  if (mapped) return mapped
  const [head = '', tail] = ip.split('::')
  const groups = head.split(':').filter(Boolean)
  const rest = tail === undefined ? [] : tail.split(':').filter(Boolean)
  const zeros = Array<string>(8 - groups.length - rest.length).fill('0')
  return [...groups, ...zeros, ...rest].slice(0, 4).join(':')
}
