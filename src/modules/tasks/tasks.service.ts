import { Autowired, Service } from '@forinda/kickjs-core'
import { Access } from '../../access/access.js'
import type { Actor } from './changes/actor.js'
import { anyVersion, type Precondition } from './changes/if-match.js'
import { type TaskChanges, TaskChangesRepository } from './changes/task-changes.repository.js'
import { type NewTask, TaskLifetimesRepository } from './changes/task-lifetimes.repository.js'
import { TaskNews } from './changes/task-news.js'
import { only } from './changes/task-set.js'
import { WorkspaceTurns } from './changes/workspace-turns.js'
import type { Task } from './tasks.contract.js'
import { TasksRepository } from './tasks.repository.js'

@Service()
export class TasksService {
  @Autowired(Access) private access!: Access
  @Autowired(TaskLifetimesRepository) private lifetimes!: TaskLifetimesRepository
  @Autowired(TaskChangesRepository) private changes!: TaskChangesRepository
  @Autowired(TasksRepository) private stored!: TasksRepository
  @Autowired(WorkspaceTurns) private turns!: WorkspaceTurns
  @Autowired(TaskNews) private news!: TaskNews

  async create(reporter: Actor, projectId: string, fields: NewTask): Promise<Task> {
    const made = await this.turns.take(
      () => this.access.project(reporter, projectId),
      ({ workspaceId }) =>
        this.lifetimes.create(reporter.id, { workspaceId, projectId }, [{ path: 'body', fields }]),
    )
    this.news.created(reporter, made)
    return only(made)
  }

  /** Whatever changes about a task, whichever route asks for it. */
  async change(
    actor: Actor,
    taskId: string,
    changes: TaskChanges,
    isMeant: Precondition = anyVersion,
  ): Promise<Task> {
    const changed = await this.turns.take(
      () => this.access.task(actor, taskId),
      place => this.changes.change(actor.id, { ...place, ids: [taskId] }, changes, isMeant),
    )
    this.news.changed(actor, changed)
    return only(changed).task
  }

  /** Its subtasks go with it. */
  async delete(actor: Actor, taskId: string, isMeant: Precondition = anyVersion): Promise<void> {
    const { place, gone } = await this.turns.take(
      () => this.access.taskToDelete(actor, taskId),
      async place => {
        const deleter = { id: actor.id, isGuest: place.role === 'guest' }
        return { place, gone: await this.lifetimes.softDelete(deleter, { ...place, ids: [taskId] }, isMeant) }
      },
    )
    this.news.deleted(actor, place, gone)
  }

  /** Forgets how lists were ordered so long ago that no walk of then goes on. */
  removeExpired(now: number): Promise<void> {
    return this.stored.removeExpiredOrders(new Date(now).toISOString())
  }
}
