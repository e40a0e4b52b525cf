import type { Container } from '@forinda/kickjs-core'
import { ProjectMembersService } from '../../modules/projects/project-members.service.js'
import { ProjectsService } from '../../modules/projects/projects.service.js'
import { createTask } from '../../modules/tasks/tasks.contract.js'
import { TasksService } from '../../modules/tasks/tasks.service.js'
import type { Cast } from './cast.js'
import type { Name, Project, Task } from './story.js'

/** Where the work is done. */
export interface Site {
  workspaceId: string
  owner: Name
  /** Ids by the names of labels. */
  labels: Map<string, string>
  now: number
}

/** A task that was written down, and the columns it still has to go through. */
interface Planned {
  id: string
  mover: Name
  ways: string[]
}

const DAY_MS = 24 * 60 * 60_000

/** How a task comes to its status. */
const ways: Record<string, [first: string, ...then: string[]]> = {
  backlog: ['backlog'],
  todo: ['todo'],
  in_progress: ['todo', 'in_progress'],
  in_review: ['todo', 'in_progress', 'in_review'],
  done: ['todo', 'in_progress', 'in_review', 'done'],
  cancelled: ['backlog', 'cancelled'],
}

/** Plans all of a project's tasks, then does the work on them. */
export async function sowProject(
  container: Container,
  cast: Cast,
  site: Site,
  project: Project,
): Promise<void> {
  const { name, key, description, guests = [] } = project
  const owner = cast[site.owner]
  const { id } = await container
    .resolve(ProjectsService)
    .create(owner, site.workspaceId, { name, key, description })
  for (const guest of guests) await container.resolve(ProjectMembersService).add(owner, id, cast[guest].id)
  const planned: Planned[] = []
  for (const task of project.tasks) planned.push(...(await plan(container, cast, site, id, task)))
  for (const { id: taskId, mover, ways } of planned) {
    for (const status of ways) await container.resolve(TasksService).change(cast[mover], taskId, { status })
  }
}

async function plan(
  container: Container,
  cast: Cast,
  site: Site,
  projectId: string,
  task: Task,
  parentTaskId: string | null = null,
): Promise<Planned[]> {
  const [status, ...then] = ways[task.status] ?? ['todo']
  const reporter = task.by ?? site.owner
  const given = createTask.body.parse({
    title: task.title,
    description: task.description,
    status,
    priority: task.priority,
    parentTaskId,
    dueDate: task.due === undefined ? undefined : new Date(site.now + task.due * DAY_MS).toISOString(),
    estimatePoints: task.points,
    assigneeIds: task.for?.map(name => cast[name].id),
    labelIds: task.labels?.map(name => site.labels.get(name)),
  })
  const { id } = await container.resolve(TasksService).create(cast[reporter], projectId, given)
  const planned = [{ id, mover: task.for?.[0] ?? reporter, ways: then }]
  for (const subtask of task.subtasks ?? []) {
    planned.push(...(await plan(container, cast, site, projectId, subtask, id)))
  }
  return planned
}
