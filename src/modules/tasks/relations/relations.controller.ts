import { Autowired, Controller, Delete, Get, Post } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../../access/access.js'
import { actorOf } from '../changes/actor.js'
import { addRelation, listRelations, removeRelation } from './relations.contract.js'
import { RelationsRepository } from './relations.repository.js'
import { RelationsService } from './relations.service.js'

@Controller()
export class RelationsController {
  @Autowired(Access) private access!: Access
  @Autowired(RelationsService) private relations!: RelationsService
  @Autowired(RelationsRepository) private stored!: RelationsRepository

  @Get('/tasks/:taskId/relations', listRelations)
  async list({ user, params, query }: RouteContext<typeof listRelations>) {
    await this.access.task(user, params.taskId)
    return this.stored.forTask(user.id, params.taskId, query)
  }

  @Post('/tasks/:taskId/relations', addRelation)
  async add(ctx: RouteContext<typeof addRelation>) {
    const { taskId } = ctx.params
    const relation = await this.relations.add(actorOf(ctx), taskId, ctx.body)
    return ctx.created(relation, `/api/v1/tasks/${taskId}/relations`)
  }

  @Delete('/tasks/:taskId/relations/:kind/:otherTaskId', removeRelation)
  remove(ctx: RouteContext<typeof removeRelation>) {
    const { taskId, kind, otherTaskId } = ctx.params
    return this.relations.remove(actorOf(ctx), taskId, { kind, taskId: otherTaskId })
  }
}
