import { Autowired, Repository } from '@forinda/kickjs-core'
import { eq, sql } from 'drizzle-orm'
import { Database } from '../../db/database.js'
import { removeExpired } from '../../db/remove-expired.js'
import { projects, taskOrders, tasks } from '../../db/schema/work.js'
import { type Page, type PageQuery, toPage } from '../../pagination.js'
import { requireColumns } from './board/columns.js'
import { type ListedProject, matchingTasks, type ResolvedFilter } from './task-filter.js'
import { someTasks, taskRow } from './task-row.js'
import { taskWalk } from './task-walk.js'
import type { Task, TaskSort } from './tasks.contract.js'

export interface TaskQuery extends ResolvedFilter, PageQuery {
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

  async byId(taskId: string): Promise<Task | undefined> {
    const [found] = await someTasks(this.db.query, [taskId])
    return found
  }

  /**
   * A page of a walk through a project's tasks: one statement, and one more to count them.
   * @throws STATUS_NOT_FOUND
   */
  async forProject(
    project: ListedProject & { lastSeq: number },
    { limit, cursor, count, sort, ...filter }: TaskQuery,
  ): Promise<Page<Task>> {
    const matching = matchingTasks(project, filter)
    const walk = taskWalk(sort, cursor, project.lastSeq, Date.now())
    const rows = await this.db.query
      .select({ ...taskRow, text: sql<string>`walk.text` })
      .from(tasks)
      .innerJoin(projects, eq(projects.id, tasks.projectId))
      .innerJoin(sql`${walk.rows(matching, limit + 1)} walk`, sql`walk.id = ${tasks.id}`)
      .orderBy(walk.by)
    // A status on the page is one: only of the others it has to be asked.
    const unseen = filter.status?.filter(status => rows.every(row => row.status !== status))
    if (unseen?.length) await requireColumns(this.db.query, project.id, unseen)
    const total = count && (await this.db.query.$count(tasks, matching))
    return toPage(rows, limit, walk.cursorOf, total).map(({ text, ...task }) => task)
  }

  /** A page of the tasks right below one, in the order they were made. */
  subtasks(parent: ParentTask, query: Omit<TaskQuery, 'sort'>): Promise<Page<Task>> {
    const { id: parentTaskId, projectId, workspaceId } = parent
    const project = { id: projectId, workspaceId, key: '', lastSeq: 0 }
    return this.forProject(project, { ...query, parentTaskId, sort: 'createdAt' })
  }

  /** Forgets the sort values that no walk can ask for any more. */
  removeExpiredOrders(now: string): Promise<void> {
    return removeExpired(this.db, taskOrders, now)
  }
}
