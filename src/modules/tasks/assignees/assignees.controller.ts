import { Autowired, Controller, Delete, Patch, Put } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { answerTask } from '../answer-task.js'
import { actorOf } from '../changes/actor.js'
import { excluding, including, setTo } from '../changes/id-set.js'
import { ifMatch } from '../changes/if-match.js'
import { TasksService } from '../tasks.service.js'
import { assign, setAssignees, unassign } from './assignees.contract.js'

@Controller()
export class AssigneesController {
  @Autowired(TasksService) private tasks!: TasksService

  @Patch('/tasks/:taskId/assignees', setAssignees)
  async set(ctx: RouteContext<typeof setAssignees>) {
    const { params, body, headers } = ctx
    const assignment = setTo('body.assigneeIds', body.assigneeIds)
    return answerTask(
      ctx,
      await this.tasks.change(actorOf(ctx), params.taskId, { assignment }, ifMatch(headers['if-match'])),
    )
  }

  @Put('/tasks/:taskId/assignees/:userId', assign)
  async assign(ctx: RouteContext<typeof assign>) {
    const { params, headers } = ctx
    const assignment = including('params.userId', params.userId)
    return answerTask(
      ctx,
      await this.tasks.change(actorOf(ctx), params.taskId, { assignment }, ifMatch(headers['if-match'])),
    )
  }

  @Delete('/tasks/:taskId/assignees/:userId', unassign)
  async unassign(ctx: RouteContext<typeof unassign>) {
    const { params, headers } = ctx
    const assignment = excluding('params.userId', params.userId)
    await this.tasks.change(actorOf(ctx), params.taskId, { assignment }, ifMatch(headers['if-match']))
  }
}
