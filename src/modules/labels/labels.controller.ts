import { Autowired, Controller, Delete, Get, Patch, Post } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../access/access.js'
import { createLabel, deleteLabel, listLabels, updateLabel } from './labels.contract.js'
import { LabelsRepository } from './labels.repository.js'
import { LabelsService } from './labels.service.js'

@Controller()
export class LabelsController {
  @Autowired(Access) private access!: Access
  @Autowired(LabelsService) private labels!: LabelsService
  @Autowired(LabelsRepository) private stored!: LabelsRepository

  @Post('/workspaces/:workspaceId/labels', createLabel)
  async create(ctx: RouteContext<typeof createLabel>) {
    const { workspaceId } = ctx.params
    const label = await this.labels.create(ctx.user, workspaceId, ctx.body)
    return ctx.created(label, `/api/v1/workspaces/${workspaceId}/labels`)
  }

  @Get('/workspaces/:workspaceId/labels', listLabels)
  async list({ user, params, query }: RouteContext<typeof listLabels>) {
    await this.access.workspace(user, params.workspaceId)
    return this.stored.forWorkspace(params.workspaceId, query)
  }

  @Patch('/labels/:labelId', updateLabel)
  update({ user, params, body }: RouteContext<typeof updateLabel>) {
    return this.labels.update(user, params.labelId, body)
  }

  @Delete('/labels/:labelId', deleteLabel)
  delete({ user, params }: RouteContext<typeof deleteLabel>) {
    return this.labels.delete(user, params.labelId)
  }
}
