import { Autowired, Controller, Delete, Get } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { clearAccessCookie } from '../../../http/access-cookie.js'
import { listSessions, revokeSession } from '../auth.contract.js'
import { SessionsRepository } from './sessions.repository.js'
import { SessionsService } from './sessions.service.js'

@Controller()
export class SessionsController {
  @Autowired(SessionsService) private sessions!: SessionsService
  @Autowired(SessionsRepository) private stored!: SessionsRepository

  @Get('/auth/sessions', listSessions)
  async list({ user, query }: RouteContext<typeof listSessions>) {
    const page = await this.stored.ofUser(user.id, query, new Date().toISOString())
    return page.map(session => ({ ...session, current: session.id === user.sessionId }))
  }

  @Delete('/auth/sessions/:sessionId', revokeSession)
  async revoke(ctx: RouteContext<typeof revokeSession>) {
    const { sessionId } = ctx.params
    await this.sessions.revoke(ctx.user, sessionId)
    if (sessionId === ctx.user.sessionId) clearAccessCookie(ctx)
  }
}
