import { Autowired, Controller, Post } from '@forinda/kickjs-core'
import type { RequestContext, RouteContext } from '@forinda/kickjs-http'
import { accessCookieOf, clearAccessCookie, setAccessCookie } from '../../http/access-cookie.js'
import { Afterwards } from '../../http/afterwards.js'
import { RateLimits } from '../../http/limits/rate-limits.js'
import { Public } from '../../http/route-flags.js'
import {
  forgotPassword,
  issueStreamTicket,
  login,
  logout,
  logoutAll,
  refresh,
  register,
  resetPassword,
  type SignedIn,
} from './auth.contract.js'
import { AuthService } from './auth.service.js'
import { PasswordResetsService } from './password-resets.service.js'
import { LiveSessions } from './sessions/live-sessions.js'
import { type Device, SessionsService } from './sessions/sessions.service.js'
import { StreamTicketsService } from './sessions/stream-tickets.service.js'

type Exchange = Pick<RequestContext, 'req' | 'res'>

@Controller()
export class AuthController {
  @Autowired(AuthService) private auth!: AuthService
  @Autowired(SessionsService) private sessions!: SessionsService
  @Autowired(LiveSessions) private live!: LiveSessions
  @Autowired(PasswordResetsService) private resets!: PasswordResetsService
  @Autowired(StreamTicketsService) private tickets!: StreamTicketsService
  @Autowired(RateLimits) private limits!: RateLimits
  @Autowired(Afterwards) private afterwards!: Afterwards

  @Public()
  @Post('/auth/register', register)
  async register(ctx: RouteContext<typeof register>) {
    await this.limits.registration(ctx.req.ip)
    const signedIn = await this.auth.register(ctx.body, deviceOf(ctx))
    return ctx.created(remember(ctx, signedIn), '/api/v1/users/me')
  }

  @Public()
  @Post('/auth/login', login)
  async login(ctx: RouteContext<typeof login>) {
    const attempt = () => this.auth.login(ctx.body, deviceOf(ctx))
    return remember(ctx, await this.limits.login(ctx.req.ip, ctx.body.email, attempt))
  }

  @Public()
  @Post('/auth/refresh', refresh)
  async refresh(ctx: RouteContext<typeof refresh>) {
    return remember(ctx, await this.sessions.refresh(ctx.body.refreshToken))
  }

  /** The refresh token says enough: the access token may have expired long ago. */
  @Public()
  @Post('/auth/logout', logout)
  async logout(ctx: RouteContext<typeof logout>) {
    await this.sessions.signOut(ctx.body.refreshToken)
    // The token may belong to another session than the browser's, which goes on.
    const cookie = accessCookieOf(ctx)
    if (cookie === undefined || !(await this.live.outlives(cookie))) clearAccessCookie(ctx)
  }

  @Post('/auth/logout-all', logoutAll)
  async logoutAll(ctx: RouteContext<typeof logoutAll>) {
    await this.sessions.signOutEverywhere(ctx.user)
    clearAccessCookie(ctx)
  }

  @Public()
  @Post('/auth/forgot-password', forgotPassword)
  async forgotPassword({ req, res, body }: RouteContext<typeof forgotPassword>) {
    await this.limits.passwordReset(req.ip, body.email)
    // How long the answer takes must not tell whether there is such an account.
    this.afterwards.run(res, () => this.resets.request(body.email))
  }

  @Public()
  @Post('/auth/reset-password', resetPassword)
  async resetPassword({ body }: RouteContext<typeof resetPassword>) {
    await this.resets.redeem(body.token, body.password)
  }

  @Post('/auth/stream-tickets', issueStreamTicket)
  async issueTicket(ctx: RouteContext<typeof issueStreamTicket>) {
    return ctx.created(await this.tickets.issue(ctx.user.sessionId, ctx.body.path))
  }
}

/** Leaves the access token with the browser too, so that it can open streams. */
function remember(exchange: Exchange, signedIn: SignedIn): SignedIn {
  setAccessCookie(exchange, signedIn.accessToken, signedIn.accessTokenExpiresAt)
  return signedIn
}

function deviceOf({ req }: Exchange): Device {
  return { ip: req.ip ?? '', userAgent: (req.get('user-agent') ?? '').slice(0, 512) }
}
