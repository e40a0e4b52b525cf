import { Autowired, Controller, Post } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { actorOf } from '../changes/actor.js'
import { changeTasks } from './bulk.contract.js'
import { BulkService } from './bulk.service.js'

@Controller()
export class BulkController {
  @Autowired(BulkService) private bulk!: BulkService

  @Post('/projects/:projectId/tasks/bulk', changeTasks)
  async change(ctx: RouteContext<typeof changeTasks>) {
    const { params, body } = ctx
    const actor = actorOf(ctx)
    if ('tasks' in body) {
      const made = await this.bulk.create(actor, params.projectId, body.tasks)
      return ctx.created(made, `/api/v1/projects/${params.projectId}/tasks`)
    }
    if ('update' in body) return this.bulk.update(actor, params.projectId, body.taskIds, body.update)
    return { deleted: await this.bulk.delete(actor, params.projectId, body.taskIds) }
  }
}
