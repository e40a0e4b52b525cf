import { Autowired, Controller, Delete, Put } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../../access/access.js'
import { answerTask } from '../answer-task.js'
import { actorOf } from '../changes/actor.js'
import { excluding, including } from '../changes/id-set.js'
import { ifMatch } from '../changes/if-match.js'
import { TasksService } from '../tasks.service.js'
import { attachLabel, detachLabel } from './task-labels.contract.js'

@Controller()
export class TaskLabelsController {
  @Autowired(Access) private access!: Access
  @Autowired(TasksService) private tasks!: TasksService

  @Put('/tasks/:taskId/labels/:labelId', attachLabel)
  async attach(ctx: RouteContext<typeof attachLabel>) {
    const { params, headers } = ctx
    const labelling = including('params.labelId', params.labelId)
    return answerTask(
      ctx,
      await this.tasks.change(actorOf(ctx), params.taskId, { labelling }, ifMatch(headers['if-match'])),
    )
  }

  @Delete('/tasks/:taskId/labels/:labelId', detachLabel)
  async detach(ctx: RouteContext<typeof detachLabel>) {
    const { user, params, headers } = ctx
    await this.access.labelForTask(user, params)
    const labelling = excluding('params.labelId', params.labelId)
    await this.tasks.change(actorOf(ctx), params.taskId, { labelling }, ifMatch(headers['if-match']))
  }
}
