import { Autowired, Controller, Delete, Get, Patch, Post } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import {
  createWorkspace,
  deleteWorkspace,
  getWorkspace,
  listWorkspaces,
  updateWorkspace,
} from './workspaces.contract.js'
import { WorkspacesRepository } from './workspaces.repository.js'
import { WorkspacesService } from './workspaces.service.js'

@Controller()
export class WorkspacesController {
  @Autowired(WorkspacesService) private workspaces!: WorkspacesService
  @Autowired(WorkspacesRepository) private stored!: WorkspacesRepository

  @Post('/workspaces', createWorkspace)
  async create(ctx: RouteContext<typeof createWorkspace>) {
    const workspace = await this.workspaces.create(ctx.user, ctx.body)
    return ctx.created(workspace, `/api/v1/workspaces/${workspace.id}`)
  }

  @Get('/workspaces', listWorkspaces)
  list({ user, query }: RouteContext<typeof listWorkspaces>) {
    return this.stored.forUser(user.id, query)
  }

  @Get('/workspaces/:workspaceId', getWorkspace)
  get({ user, params }: RouteContext<typeof getWorkspace>) {
    return this.workspaces.seen(user, params.workspaceId)
  }

  @Patch('/workspaces/:workspaceId', updateWorkspace)
  update({ user, params, body }: RouteContext<typeof updateWorkspace>) {
    return this.workspaces.update(user, params.workspaceId, body)
  }

  @Delete('/workspaces/:workspaceId', deleteWorkspace)
  delete({ user, params }: RouteContext<typeof deleteWorkspace>) {
    return this.workspaces.delete(user, params.workspaceId)
  }
}
