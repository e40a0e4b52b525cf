import { Autowired, Repository } from '@forinda/kickjs-core'
import { and } from 'drizzle-orm'
import { Database } from '../../db/database.js'
import { tasks } from '../../db/schema/work.js'
import { type Page, toPage } from '../../pagination.js'
import { type ListedProject, matchingTasks, type ResolvedFilter } from './task-filter.js'
import { oneTask, selectTasks } from './task-row.js'
import { taskOrder } from './task-sort.js'
import type { Task, TaskSort } from './tasks.contract.js'

export interface TaskQuery extends ResolvedFilter {
  limit: number
  cursor?: string | undefined
  count?: 'exact' | undefined
  sort: TaskSort
}

interface ParentTask {
  id: string
  projectId: string
  workspaceId: string
}

@Repository()
export class TasksRepository {
  @Autowired(Database) private db!: Database

  /** @throws TASK_NOT_FOUND */
  byId(taskId: string): Promise<Task> {
    return oneTask(this.db.query, taskId)
  }

  /** A page of a project's tasks: one statement, and one more to count them. */
  async forProject(
    project: ListedProject,
    { limit, cursor, count, sort, ...filter }: TaskQuery,
  ): Promise<Page<Task>> {
    const matching = matchingTasks(project, filter)
    const order = taskOrder(sort)
    const rows = await selectTasks(this.db.query)
      .where(and(matching, cursor === undefined ? undefined : order.after(cursor)))
      .orderBy(...order.by)
      .limit(limit + 1)
    const total = count && (await this.db.query.$count(tasks, matching))
    return toPage(rows, limit, order.cursorOf, total)
  }

  /** A page of the tasks right below one, in the order they were made. */
  subtasks(parent: ParentTask, query: Omit<TaskQuery, 'sort'>): Promise<Page<Task>> {
    const { id: parentTaskId, projectId, workspaceId } = parent
    const project = { id: projectId, workspaceId, key: '' }
    return this.forProject(project, { ...query, parentTaskId, sort: 'createdAt' })
  }
}
