import { Autowired, Controller, Delete, Get, Patch, Post } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../../access/access.js'
import { addStatus, listStatuses, removeStatus, updateStatus } from './columns.contract.js'
import { ColumnsRepository } from './columns.repository.js'
import { ColumnsService } from './columns.service.js'

@Controller()
export class ColumnsController {
  @Autowired(Access) private access!: Access
  @Autowired(ColumnsService) private columns!: ColumnsService
  @Autowired(ColumnsRepository) private stored!: ColumnsRepository

  @Get('/projects/:projectId/statuses', listStatuses)
  async list({ user, params }: RouteContext<typeof listStatuses>) {
    await this.access.project(user, params.projectId)
    return this.stored.forProject(params.projectId)
  }

  @Post('/projects/:projectId/statuses', addStatus)
  async add(ctx: RouteContext<typeof addStatus>) {
    const { projectId } = ctx.params
    const column = await this.columns.add(ctx.user, projectId, ctx.body)
    return ctx.created(column, `/api/v1/projects/${projectId}/statuses`)
  }

  @Patch('/projects/:projectId/statuses/:statusKey', updateStatus)
  update({ user, params, body }: RouteContext<typeof updateStatus>) {
    return this.columns.update(user, params.projectId, params.statusKey, body)
  }

  @Delete('/projects/:projectId/statuses/:statusKey', removeStatus)
  remove({ user, params, query }: RouteContext<typeof removeStatus>) {
    return this.columns.remove(user, params.projectId, params.statusKey, query.remapTo)
  }
}
