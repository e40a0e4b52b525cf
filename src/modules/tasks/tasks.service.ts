import { Autowired, Service } from '@forinda/kickjs-core'
import { Access } from '../../access/access.js'
import { Events } from '../../events.js'
import { type Actor, originOf } from './changes/actor.js'
import type { Precondition } from './changes/if-match.js'
import { type TaskChanges, TaskChangesRepository } from './changes/task-changes.repository.js'
import { type NewTask, TaskLifetimesRepository } from './changes/task-lifetimes.repository.js'
import { WorkspaceTurns } from './changes/workspace-turns.js'
import type { Task } from './tasks.contract.js'
import { TasksRepository } from './tasks.repository.js'

const anyVersion: Precondition = () => true

@Service()
export class TasksService {
  @Autowired(Access) private access!: Access
  @Autowired(TaskLifetimesRepository) private lifetimes!: TaskLifetimesRepository
  @Autowired(TaskChangesRepository) private changes!: TaskChangesRepository
  @Autowired(TasksRepository) private stored!: TasksRepository
  @Autowired(WorkspaceTurns) private turns!: WorkspaceTurns
  @Autowired(Events) private events!: Events

  async create(reporter: Actor, projectId: string, given: NewTask): Promise<Task> {
    const task = await this.turns.take(
      () => this.access.project(reporter, projectId),
      ({ workspaceId }) => this.lifetimes.create(reporter.id, { workspaceId, projectId }, given),
    )
    this.events.emit('task.created', { task, ...originOf(reporter) })
    return task
  }

  /** Whatever changes about a task, whichever route asks for it. */
  async change(
    actor: Actor,
    taskId: string,
    changes: TaskChanges,
    isMeant: Precondition = anyVersion,
  ): Promise<Task> {
    const { task, kind } = await this.turns.take(
      () => this.access.task(actor, taskId),
      place => this.changes.change(actor.id, place, changes, isMeant),
    )
    const origin = originOf(actor)
    if (kind === 'moved') this.events.emit('task.moved', { task, ...origin })
    if (kind === 'updated') this.events.emit('task.updated', { task, ...origin })
    return task
  }

  /** Its subtasks go with it. */
  async delete(actor: Actor, taskId: string, isMeant: Precondition = anyVersion): Promise<void> {
    const gone = await this.turns.take(
      () => this.access.taskToDelete(actor, taskId),
      async place => {
        const { workspaceId, projectId, role } = place
        const deleter = { id: actor.id, isGuest: role === 'guest' }
        const deleted = await this.lifetimes.softDelete(deleter, place, isMeant)
        return deleted.map(({ id: taskId, seq }) => ({ workspaceId, projectId, taskId, seq }))
      },
    )
    for (const deletion of gone) this.events.emit('task.deleted', { ...deletion, ...originOf(actor) })
  }

  /** Forgets how lists were ordered so long ago that no walk of then goes on. */
  removeExpired(now: number): Promise<void> {
    return this.stored.removeExpiredOrders(new Date(now).toISOString())
  }
}
