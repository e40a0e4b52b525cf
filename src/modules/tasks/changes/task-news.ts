import { Autowired, Service } from '@forinda/kickjs-core'
import { Events } from '../../../events.js'
import type { Task } from '../tasks.contract.js'
import { type Actor, originOf } from './actor.js'
import type { ProjectPlace } from './record-on-task.js'
import type { ChangedTask } from './task-changes.repository.js'
import type { DeletedTask } from './task-lifetimes.repository.js'

/** Tells what became of tasks, after the commit: an event for each, in the order of their numbers. */
@Service()
export class TaskNews {
  @Autowired(Events) private events!: Events

  created(actor: Actor, tasks: readonly Task[]): void {
    for (const task of tasks) this.events.emit('task.created', { task, ...originOf(actor) })
  }

  changed(actor: Actor, changes: readonly ChangedTask[]): void {
    const origin = originOf(actor)
    for (const { task, kind } of changes) {
      if (kind === 'moved') this.events.emit('task.moved', { task, ...origin })
      if (kind === 'updated') this.events.emit('task.updated', { task, ...origin })
    }
  }

  deleted(actor: Actor, { workspaceId, projectId }: ProjectPlace, gone: readonly DeletedTask[]): void {
    const place = { workspaceId, projectId, ...originOf(actor) }
    for (const { id: taskId, seq } of gone) this.events.emit('task.deleted', { ...place, taskId, seq })
  }
}
