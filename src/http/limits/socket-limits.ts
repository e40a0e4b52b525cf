import { Autowired, PostConstruct, Service } from '@forinda/kickjs-core'
import type { WsContext } from '@forinda/kickjs-ws'
import { refuse } from '../../errors.js'
import { Metrics } from '../../metrics/metrics.js'
import type { Principal } from '../principal.js'
import type { Limit } from './limit.js'
import { Limits } from './limits.js'

/** In how many rooms a socket may be: channels, projects and those that the server puts it in. */
const MOST_ROOMS = 2_000
const RETRY_MS = 1_000
const JOINS: ReadonlySet<string> = new Set(['channel:join', 'project:join'])

/** How often events may be sent: on one socket, and by one user on all his sockets of all nodes. */
@Service()
export class SocketLimits {
  @Autowired(Limits) private limits!: Limits
  @Autowired(Metrics) private metrics!: Metrics
  private ofSocket!: Limit
  private ofUser!: Limit
  private joins!: Limit

  @PostConstruct()
  lay(): void {
    this.ofSocket = this.limits.ofProcess({ name: 'events-of-socket', points: 150, seconds: 2 })
    this.ofUser = this.limits.ofNodes({ name: 'events', points: 300, seconds: 3 })
    this.joins = this.limits.ofNodes({ name: 'joins', points: 600, seconds: 10 })
  }

  /** Runs before an event is looked at. Refuses with RATE_LIMITED and the time to wait. */
  readonly throttle = async (ctx: WsContext): Promise<void> => {
    await this.ofSocket.spend(ctx.id)
    const user = ctx.get<Principal | undefined>('user')
    if (!user) return
    await this.ofUser.spend(user.id)
    if (!JOINS.has(ctx.event)) return
    this.refuseFull(ctx)
    await this.joins.spend(user.id)
  }

  private refuseFull({ socket }: WsContext) {
    if (!this.limits.areOn || socket.rooms.size < MOST_ROOMS) return
    this.metrics.limited('rooms')
    throw refuse('RATE_LIMITED', { message: 'Leave something first', retryAfterMs: RETRY_MS })
  }
}
