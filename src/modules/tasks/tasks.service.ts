import { Autowired, Service } from '@forinda/kickjs-core'
import { Access } from '../../access/access.js'
import { Events } from '../../events.js'
import type { Precondition } from './changes/if-match.js'
import { type TaskChanges, TaskChangesRepository } from './changes/task-changes.repository.js'
import { type NewTask, TaskLifetimesRepository } from './changes/task-lifetimes.repository.js'
import type { Task } from './tasks.contract.js'

interface Actor {
  id: string
}

const anyVersion: Precondition = () => true

@Service()
export class TasksService {
  @Autowired(Access) private access!: Access
  @Autowired(TaskLifetimesRepository) private lifetimes!: TaskLifetimesRepository
  @Autowired(TaskChangesRepository) private changes!: TaskChangesRepository
  @Autowired(Events) private events!: Events

  async create(reporter: Actor, projectId: string, given: NewTask): Promise<Task> {
    const { workspaceId } = await this.access.project(reporter, projectId)
    const task = await this.lifetimes.create(reporter.id, { workspaceId, projectId }, given)
    this.events.emit('task.created', { task, seq: task.seq })
    return task
  }

  /** Whatever changes about a task, whichever route asks for it. */
  async change(
    actor: Actor,
    taskId: string,
    changes: TaskChanges,
    isMeant: Precondition = anyVersion,
  ): Promise<Task> {
    const place = await this.access.task(actor, taskId)
    const { task, kind, respread } = await this.changes.change(actor.id, place, changes, isMeant)
    for (const other of respread) this.events.emit('task.moved', { task: other, seq: other.seq })
    if (kind === 'moved') this.events.emit('task.moved', { task, seq: task.seq })
    if (kind === 'updated') this.events.emit('task.updated', { task, seq: task.seq })
    return task
  }

  /** Its subtasks go with it. */
  async delete(actor: Actor, taskId: string, isMeant: Precondition = anyVersion): Promise<void> {
    const place = await this.access.taskToDelete(actor, taskId)
    const { workspaceId, projectId } = place
    const deleter = { id: actor.id, isGuest: place.role === 'guest' }
    for (const { id, seq } of await this.lifetimes.softDelete(deleter, place, isMeant)) {
      this.events.emit('task.deleted', { workspaceId, projectId, taskId: id, seq })
    }
  }
}
