import { Autowired, HttpException, PostConstruct, Service } from '@forinda/kickjs-core'
import type { RouteGuard } from '@forinda/kickjs-http'
import { TurnsByKey } from '../../turns.js'
import type { Limit } from './limit.js'
import { Limits } from './limits.js'
import { networkOf } from './networks.js'

type Address = string | undefined

const HOUR = 3600

/** How often something may be done over HTTP, on all nodes together. All refuse with RATE_LIMITED and the time to wait. */
@Service()
export class RateLimits {
  @Autowired(Limits) private limits!: Limits
  /** 100 a second, in bursts of up to 400. */
  private requests!: Limit
  private registrations!: Limit
  private resets!: Limit
  private failuresOfAccount!: Limit
  private failuresOfAddress!: Limit
  /** Attempts to sign in from one address take turns, so that none starts before the last one is counted. */
  private readonly attempts = new TurnsByKey(1, 500)

  @PostConstruct()
  lay(): void {
    const { limits } = this
    this.requests = limits.ofNodes({ name: 'requests', points: 400, seconds: 4 })
    this.registrations = limits.ofDatabase({ name: 'registrations', points: 60, seconds: HOUR })
    this.resets = limits.ofDatabase({ name: 'password-resets', points: 5, seconds: HOUR })
    this.failuresOfAccount = limits.ofDatabase({ name: 'failed-sign-ins', points: 10, seconds: HOUR / 4 })
    this.failuresOfAddress = limits.ofDatabase({
      name: 'failed-sign-ins-of-address',
      points: 100,
      seconds: HOUR,
    })
  }

  /** Counts each request against its user, or its address where there is none. Runs after authentication. */
  readonly guard: RouteGuard = async ctx => {
    const user = ctx.get<{ id: string }>('user')
    if (user) await this.requests.spend(user.id)
    else await this.anonymous(ctx.req.ip)
  }

  anonymous(ip: Address): Promise<void> {
    return this.requests.spend(networkOf(ip))
  }

  /** Before anything is looked up for whoever may be guessing. Counts nothing. */
  refuseSpent(ip: Address): Promise<void> {
    return this.requests.refuseSpent(networkOf(ip))
  }

  registration(ip: Address): Promise<void> {
    return this.registrations.spend(networkOf(ip))
  }

  passwordReset(ip: Address, email: string): Promise<void> {
    return this.resets.spend(`${networkOf(ip)} ${email}`)
  }

  /**
   * Runs an attempt to sign in, unless this address failed too often, with this e-mail or with any.
   * An attempt that throws INVALID_CREDENTIALS is a failure; one that succeeds clears the account's.
   */
  async login<T>(ip: Address, email: string, attempt: () => Promise<T>): Promise<T> {
    if (!this.limits.areOn) return attempt()
    const address = networkOf(ip)
    return this.attempts.take(address, () => this.countFailure(address, `${address} ${email}`, attempt))
  }

  /** Counted before it is known how it ends, so that trying on several nodes at once is no gain. */
  private async countFailure<T>(address: string, account: string, attempt: () => Promise<T>): Promise<T> {
    await this.failuresOfAccount.spend(account)
    try {
      await this.failuresOfAddress.spend(address)
    } catch (error) {
      await this.failuresOfAccount.giveBack(account)
      throw error
    }
    const result = await attempt().catch(async error => {
      if (!isWrongGuess(error)) await this.takeBack(address, account)
      throw error
    })
    await this.failuresOfAccount.forget(account)
    await this.failuresOfAddress.giveBack(address)
    return result
  }

  private async takeBack(address: string, account: string) {
    await this.failuresOfAccount.giveBack(account)
    await this.failuresOfAddress.giveBack(address)
  }
}

function isWrongGuess(error: unknown): boolean {
  return error instanceof HttpException && error.code === 'INVALID_CREDENTIALS'
}
