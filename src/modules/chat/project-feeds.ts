import { Autowired, Service } from '@forinda/kickjs-core'
import { Access } from '../../access/access.js'
import type { Asker } from '../../access/asker.js'
import { Feeds, type Place } from '../../realtime/feeds.js'
import type { ChangedTask, Task } from '../tasks/tasks.contract.js'
import { type TaskNews, TasksRepository } from '../tasks/tasks.repository.js'

/**
 * A change of a task on its way to the listeners of its project; or of the board itself, and of all that
 * came before: then they load it afresh.
 */
export type TaskChange = { seq: number; projectId: string; origin?: string | undefined } & (
  | { kind: 'created' | 'updated' | 'moved'; task: Task }
  | { kind: 'deleted'; taskId: string }
  | { kind: 'afresh' }
)

/** The projects whose boards sockets of this node listen to. */
@Service()
export class ProjectFeeds extends Feeds<TaskChange, ChangedTask> {
  @Autowired(Access) private access!: Access
  @Autowired(TasksRepository) private tasks!: TasksRepository
  protected readonly kind = 'project'

  protected follow(): void {
    const { events } = this
    for (const kind of ['created', 'updated', 'moved'] as const) {
      events.on(`task.${kind}`, ({ task, origin }) => this.offer({ ...placeOf(task), kind, task, origin }))
    }
    events.on('task.deleted', deletion => this.offer({ ...deletion, kind: 'deleted' }))
    events.on('project.advanced', ({ projectId, lastSeq }) => this.feed(projectId)?.fetch(lastSeq))
  }

  protected seen(reader: Asker, projectId: string): Promise<Place> {
    return this.access.project(reader, projectId)
  }

  protected changes(project: Place, since: number) {
    return this.tasks.changes(project, since)
  }

  protected async reload(projectId: string, since: number, limit: number): Promise<TaskChange[]> {
    const seq = await this.tasks.boardSeq(projectId)
    const news = await this.tasks.news(projectId, Math.max(since, seq), limit)
    const afresh: TaskChange[] = seq > since ? [{ kind: 'afresh', projectId, seq }] : []
    return [...afresh, ...news.map(changeOf)]
  }

  protected standings(projectIds: readonly string[]): Promise<Place[]> {
    return this.tasks.standings(projectIds)
  }

  protected idOf({ id }: ChangedTask): string {
    return id
  }

  private offer(change: TaskChange) {
    this.feed(change.projectId)?.offer(change)
  }
}

/** What happened to a task, as far as its row still tells. */
function changeOf({ deletedAt, isNew, ...task }: TaskNews): TaskChange {
  if (deletedAt !== null) return { ...placeOf(task), kind: 'deleted', taskId: task.id }
  return { ...placeOf(task), kind: isNew ? 'created' : 'updated', task }
}

function placeOf({ seq, projectId }: Task) {
  return { seq, projectId }
}
