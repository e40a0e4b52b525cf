import { Autowired, Service } from '@forinda/kickjs-core'
import { Access } from '../../../access/access.js'
import type { Actor } from '../changes/actor.js'
import { setTo } from '../changes/id-set.js'
import { anyVersion } from '../changes/if-match.js'
import { TaskChangesRepository } from '../changes/task-changes.repository.js'
import { type NewTask, TaskLifetimesRepository } from '../changes/task-lifetimes.repository.js'
import { TaskNews } from '../changes/task-news.js'
import type { TaskSet } from '../changes/task-set.js'
import { WorkspaceTurns } from '../changes/workspace-turns.js'
import type { Task } from '../tasks.contract.js'
import type { CommonFields } from './bulk.contract.js'

/** Many tasks of a project at once, by the rules for one: all of them or none. */
@Service()
export class BulkService {
  @Autowired(Access) private access!: Access
  @Autowired(TaskLifetimesRepository) private lifetimes!: TaskLifetimesRepository
  @Autowired(TaskChangesRepository) private changes!: TaskChangesRepository
  @Autowired(WorkspaceTurns) private turns!: WorkspaceTurns
  @Autowired(TaskNews) private news!: TaskNews

  async create(reporter: Actor, projectId: string, given: readonly NewTask[]): Promise<Task[]> {
    const drafts = given.map((fields, index) => ({ path: `body.tasks.${index}`, fields }))
    const made = await this.turns.take(
      () => this.access.project(reporter, projectId),
      ({ workspaceId }) => this.lifetimes.create(reporter.id, { workspaceId, projectId }, drafts),
    )
    this.news.created(reporter, made)
    return made
  }

  async update(
    actor: Actor,
    projectId: string,
    taskIds: readonly string[],
    { assigneeIds, labelIds, ...fields }: CommonFields,
  ): Promise<Task[]> {
    const path = 'body.update'
    const assignment = assigneeIds && setTo(`${path}.assigneeIds`, assigneeIds)
    const labelling = labelIds && setTo(`${path}.labelIds`, labelIds)
    const changes = { ...fields, assignment, labelling, path }
    const changed = await this.turns.take(
      () => this.access.project(actor, projectId),
      project => this.changes.change(actor.id, setIn(project, taskIds), changes, anyVersion),
    )
    this.news.changed(actor, changed)
    return changed.map(({ task }) => task)
  }

  /** Gives how many are gone, with those below the ones that were named. */
  async delete(actor: Actor, projectId: string, taskIds: readonly string[]): Promise<number> {
    const { set, gone } = await this.turns.take(
      () => this.access.project(actor, projectId),
      async project => {
        const set = setIn(project, taskIds)
        const deleter = { id: actor.id, isGuest: project.role === 'guest' }
        return { set, gone: await this.lifetimes.softDelete(deleter, set, anyVersion) }
      },
    )
    this.news.deleted(actor, set, gone)
    return gone.length
  }
}

function setIn(project: { id: string; workspaceId: string }, ids: readonly string[]): TaskSet {
  return { workspaceId: project.workspaceId, projectId: project.id, ids, path: 'body.taskIds' }
}
