import { Autowired, Controller, Delete, Get, Patch, Post } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../access/access.js'
import { refuse } from '../../errors.js'
import { answerTask } from './answer-task.js'
import { actorOf } from './changes/actor.js'
import { setTo } from './changes/id-set.js'
import { ifMatch } from './changes/if-match.js'
import type { TaskChanges } from './changes/task-changes.repository.js'
import {
  createTask,
  deleteTask,
  getTask,
  listProjectChanges,
  listSubtasks,
  listTasks,
  reorderTask,
  setTaskStatus,
  updateTask,
} from './tasks.contract.js'
import { TasksRepository } from './tasks.repository.js'
import { TasksService } from './tasks.service.js'

/** What every route that changes a task has. */
type TaskContext = RouteContext<typeof getTask>

@Controller()
export class TasksController {
  @Autowired(Access) private access!: Access
  @Autowired(TasksService) private tasks!: TasksService
  @Autowired(TasksRepository) private stored!: TasksRepository

  @Post('/projects/:projectId/tasks', createTask)
  async create(ctx: RouteContext<typeof createTask>) {
    const task = await this.tasks.create(actorOf(ctx), ctx.params.projectId, ctx.body)
    return ctx.created(answerTask(ctx, task), `/api/v1/tasks/${task.id}`)
  }

  @Get('/projects/:projectId/tasks', listTasks)
  async list({ user, params, query }: RouteContext<typeof listTasks>) {
    const project = await this.access.project(user, params.projectId)
    const assigneeId = query.assigneeId === 'me' ? user.id : query.assigneeId
    return this.stored.forProject(project, { ...query, assigneeId })
  }

  @Get('/projects/:projectId/changes', listProjectChanges)
  async changes({ user, params, query }: RouteContext<typeof listProjectChanges>) {
    const project = await this.access.project(user, params.projectId)
    return this.stored.changes(project, query.since)
  }

  @Get('/tasks/:taskId', getTask)
  async get(ctx: RouteContext<typeof getTask>) {
    await this.access.task(ctx.user, ctx.params.taskId)
    const task = await this.stored.byId(ctx.params.taskId)
    if (!task) throw refuse('TASK_NOT_FOUND')
    return answerTask(ctx, task)
  }

  @Get('/tasks/:taskId/subtasks', listSubtasks)
  async subtasks({ user, params, query }: RouteContext<typeof listSubtasks>) {
    const parent = await this.access.task(user, params.taskId)
    return this.stored.subtasks(parent, query)
  }

  @Patch('/tasks/:taskId', updateTask)
  async update(ctx: RouteContext<typeof updateTask>) {
    const { assigneeIds, labelIds, ...fields } = ctx.body
    const assignment = assigneeIds && setTo('body.assigneeIds', assigneeIds)
    const labelling = labelIds && setTo('body.labelIds', labelIds)
    return this.change(ctx, { ...fields, assignment, labelling })
  }

  @Patch('/tasks/:taskId/status', setTaskStatus)
  async setStatus(ctx: RouteContext<typeof setTaskStatus>) {
    return this.change(ctx, ctx.body)
  }

  @Post('/tasks/:taskId/reorder', reorderTask)
  async reorder(ctx: RouteContext<typeof reorderTask>) {
    const { status, before, after } = ctx.body
    const place = before !== undefined ? { before } : after !== undefined ? { after } : 'end'
    return this.change(ctx, { status, place })
  }

  @Delete('/tasks/:taskId', deleteTask)
  delete(ctx: RouteContext<typeof deleteTask>) {
    return this.tasks.delete(actorOf(ctx), ctx.params.taskId, ifMatch(ctx.headers['if-match']))
  }

  private async change(ctx: Pick<TaskContext, 'user' | 'params' | 'headers' | 'res'>, changes: TaskChanges) {
    const { params, headers } = ctx
    return answerTask(
      ctx,
      await this.tasks.change(actorOf(ctx), params.taskId, changes, ifMatch(headers['if-match'])),
    )
  }
}
