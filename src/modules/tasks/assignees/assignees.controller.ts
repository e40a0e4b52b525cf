import { Autowired, Controller, Delete, Patch, Put } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { answerTask } from '../answer-task.js'
import { ifMatch } from '../changes/if-match.js'
import { TasksService } from '../tasks.service.js'
import { assign, setAssignees, unassign } from './assignees.contract.js'

@Controller()
export class AssigneesController {
  @Autowired(TasksService) private tasks!: TasksService

  @Patch('/tasks/:taskId/assignees', setAssignees)
  async set(ctx: RouteContext<typeof setAssignees>) {
    const { user, params, body, headers } = ctx
    const assignment = { path: 'body.assigneeIds', next: () => body.assigneeIds }
    return answerTask(
      ctx,
      await this.tasks.change(user, params.taskId, { assignment }, ifMatch(headers['if-match'])),
    )
  }

  @Put('/tasks/:taskId/assignees/:userId', assign)
  async assign(ctx: RouteContext<typeof assign>) {
    const { user, params, headers } = ctx
    const next = (now: readonly string[]) => [...now.filter(id => id !== params.userId), params.userId]
    const assignment = { path: 'params.userId', next }
    return answerTask(
      ctx,
      await this.tasks.change(user, params.taskId, { assignment }, ifMatch(headers['if-match'])),
    )
  }

  @Delete('/tasks/:taskId/assignees/:userId', unassign)
  async unassign({ user, params, headers }: RouteContext<typeof unassign>) {
    const next = (now: readonly string[]) => now.filter(id => id !== params.userId)
    const assignment = { path: 'params.userId', next }
    await this.tasks.change(user, params.taskId, { assignment }, ifMatch(headers['if-match']))
  }
}
