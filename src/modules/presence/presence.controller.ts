import { Autowired, Controller, Get } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../access/access.js'
import { listPresence } from './presence.contract.js'
import { PresenceService } from './presence.service.js'

@Controller()
export class PresenceController {
  @Autowired(Access) private access!: Access
  @Autowired(PresenceService) private presence!: PresenceService

  @Get('/workspaces/:workspaceId/presence', listPresence)
  async list({ user, params }: RouteContext<typeof listPresence>) {
    await this.access.workspace(user, params.workspaceId)
    return this.presence.onlineIn(params.workspaceId)
  }
}
