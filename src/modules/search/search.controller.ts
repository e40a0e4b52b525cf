import { Autowired, Controller, Get } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../access/access.js'
import { searchWorkspace } from './search.contract.js'
import { SearchRepository } from './search.repository.js'

@Controller()
export class SearchController {
  @Autowired(Access) private access!: Access
  @Autowired(SearchRepository) private stored!: SearchRepository

  @Get('/workspaces/:workspaceId/search', searchWorkspace)
  async search({ user, params, query }: RouteContext<typeof searchWorkspace>) {
    await this.access.workspace(user, params.workspaceId)
    return this.stored.hits(user, params.workspaceId, query)
  }
}
