import { Autowired, Controller, Get } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../../access/access.js'
import { listTaskMessages } from './task-links.contract.js'
import { TaskLinksRepository } from './task-links.repository.js'

@Controller()
export class TaskLinksController {
  @Autowired(Access) private access!: Access
  @Autowired(TaskLinksRepository) private stored!: TaskLinksRepository

  @Get('/tasks/:taskId/messages', listTaskMessages)
  async list({ user, params, query }: RouteContext<typeof listTaskMessages>) {
    return this.stored.forTask(user.id, await this.access.task(user, params.taskId), query)
  }
}
