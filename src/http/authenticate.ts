import { Autowired, Service } from '@forinda/kickjs-core'
import type { RequestContext, RouteGuard, RouteInfo } from '@forinda/kickjs-http'
import type { Guard as SocketGuard } from '@forinda/kickjs-ws'
import { refuse } from '../errors.js'
import { type LiveSession, LiveSessions } from '../modules/auth/sessions/live-sessions.js'
import { StreamTicketsService } from '../modules/auth/sessions/stream-tickets.service.js'
import { Tokens } from '../modules/auth/tokens.js'
import { accessCookieOf } from './access-cookie.js'
import { RateLimits } from './limits/rate-limits.js'
import type { Principal } from './principal.js'
import { Public, Stream } from './route-flags.js'

/** Finds out who is asking, from whatever he shows for it. A route without `@Public()` needs somebody. */
@Service()
export class Authenticator {
  @Autowired(Tokens) private tokens!: Tokens
  @Autowired(LiveSessions) private sessions!: LiveSessions
  @Autowired(StreamTicketsService) private tickets!: StreamTicketsService
  @Autowired(RateLimits) private limits!: RateLimits

  /** Puts the `Principal` at `ctx.user`. Failures count against the caller's address. */
  readonly guard: RouteGuard = async (ctx, route) => {
    if (Public.of(route.controller, route.handler)) return
    try {
      const user = await this.byRequest(ctx, route)
      ctx.set('user', user)
      ctx.res.locals.userId = user.id
    } catch (error) {
      await this.limits.anonymous(ctx.req.ip)
      throw error
    }
  }

  /**
   * Whose access token it is, as the database knows him now.
   * @throws UNAUTHENTICATED, TOKEN_EXPIRED, SESSION_REVOKED
   */
  async byToken(token: string, now = Date.now()): Promise<Principal> {
    const { userId, sessionId, expiresAt } = this.tokens.verify(token, now)
    const session = await this.sessions.live(sessionId, now)
    if (session.userId !== userId) throw refuse('UNAUTHENTICATED')
    return principal(session, expiresAt)
  }

  /** The first thing he shows counts: a header that is wrong is not made good by a cookie. */
  private async byRequest(ctx: RequestContext, { controller, handler }: RouteInfo): Promise<Principal> {
    const { authorization } = ctx.headers
    const { ticket, token, access_token } = ctx.req.query
    if ([ticket, token, access_token].flat().some(isAccessToken)) throw refuse('TOKEN_IN_URL')
    if (authorization !== undefined) return this.byToken(bearer(authorization))
    const isStream = Stream.of(controller, handler)
    if (isStream && ticket !== undefined) return this.byTicket(ctx, ticket)
    const cookie = isReading(ctx) ? accessCookieOf(ctx) : undefined
    if (cookie === undefined) throw refuse('UNAUTHENTICATED')
    return this.byToken(cookie)
  }

  private async byTicket({ req, res }: RequestContext, ticket: unknown): Promise<Principal> {
    if (typeof ticket !== 'string') throw refuse('INVALID_TICKET')
    // A token proves itself by its signature; a ticket has to be looked up.
    await this.limits.refuseSpent(req.ip)
    const session = await this.sessions.live(await this.tickets.redeem(ticket, req.path))
    // Who has left while he was looked up holds nothing.
    if (!res.destroyed) res.once('close', this.tickets.hold(ticket))
    return principal(session, session.expiresAt)
  }
}

/** A socket event without `@Public()` needs a socket whose user is known and whose token still holds. */
export const requireSocketUser: SocketGuard = (ctx, { controller, handler }) => {
  if (Public.of(controller, handler)) return
  const user = ctx.get<Principal | undefined>('user')
  if (!user) throw refuse('UNAUTHENTICATED')
  if (user.expiresAt <= Date.now()) throw refuse('TOKEN_EXPIRED')
}

function principal(session: LiveSession, expiresAt: number): Principal {
  const { userId: id, sessionId, email, username, name } = session
  return { id, email, username, name, sessionId, expiresAt }
}

/** The cookie opens nothing that changes something, so that another site's form cannot either. */
function isReading({ req }: RequestContext): boolean {
  return req.method === 'GET' || req.method === 'HEAD'
}

function bearer(authorization: string): string {
  const token = /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization)?.[1]
  if (token === undefined) throw refuse('UNAUTHENTICATED')
  return token
}

/** Three dotted parts of base64url: no ticket looks like that. */
function isAccessToken(value: unknown): boolean {
  return typeof value === 'string' && /^[\w-]+\.[\w-]+\.[\w-]*$/.test(value)
}
