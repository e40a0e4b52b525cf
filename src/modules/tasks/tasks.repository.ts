import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, asc, eq, gt, sql } from 'drizzle-orm'
import { Database, sqlQuery } from '../../db/database.js'
import { jsonRows, type TextRow } from '../../db/json-rows.js'
import { once } from '../../db/once.js'
import { removeExpired } from '../../db/remove-expired.js'
import { activities } from '../../db/schema/feed.js'
import { projects, taskOrders, tasks } from '../../db/schema/work.js'
import { JsonPage } from '../../json-page.js'
import { type PageQuery, toPage } from '../../pagination.js'
import { changesSince } from '../../realtime/changes.js'
import { requireColumns } from './board/columns.js'
import { type ListedProject, matchingTasks, type ResolvedFilter } from './task-filter.js'
import { changedTaskRow, companions, listedTaskRow, selectTasks } from './task-row.js'
import { taskWalk } from './task-walk.js'
import type { ChangedTask, ProjectChanges, Task, TaskSort } from './tasks.contract.js'

export interface TaskQuery extends ResolvedFilter, PageQuery {
  count?: 'exact' | undefined
  sort: TaskSort
}

interface ParentTask {
  id: string
  projectId: string
  workspaceId: string
}

/** How far a project's sequence has come. */
interface Standing {
  id: string
  lastSeq: number
}

const TASK_KEYS = Object.keys(listedTaskRow)
const STATUS = TASK_KEYS.indexOf('status')

export type TaskNews = ChangedTask & { isNew: boolean }

@Repository()
export class TasksRepository {
  @Autowired(Database) private db!: Database
  private readonly one = once(() =>
    selectTasks(this.db.query)
      .where(eq(tasks.id, sql.placeholder('id')))
      .prepare('task_by_id'),
  )

  /** What a list reads of each task, and the value that it is sorted by; most of the statement's text. */
  private readonly listed = once(() => {
    const listed = { ...listedTaskRow, text: sql`walk.text` }
    const of = eq(projects.id, tasks.projectId)
    return sql.raw(this.db.query.select(listed).from(tasks).innerJoin(projects, of).toSQL().sql)
  })

  async byId(taskId: string): Promise<Task | undefined> {
    const [found] = await this.one().execute({ id: taskId })
    return found
  }

  /**
   * A page of a walk through a project's tasks: one statement, and one more to count them.
   * @throws STATUS_NOT_FOUND
   */
  async forProject(
    project: ListedProject & { lastSeq: number },
    { limit, cursor, count, sort, ...filter }: TaskQuery,
  ): Promise<JsonPage> {
    const matching = matchingTasks(project, filter)
    const walk = taskWalk(sort, cursor, project.lastSeq, Date.now())
    const statement = sqlQuery(sql`
      with walk as materialized ${walk.rows(matching, limit + 1)}, ${companions.tables}
      ${this.listed()} inner join walk on walk.id = ${tasks.id} ${companions.joins} order by ${walk.by}`)
    const { fields, rows } = await this.db.textRows(statement)
    // A status on the page is one: only of the others it has to be asked.
    const unseen = filter.status?.filter(status => rows.every(row => row[STATUS] !== status))
    if (unseen?.length) await requireColumns(this.db.query, project.id, unseen)
    const total = count && (await this.db.query.$count(tasks, matching))
    const { items, meta } = toPage(rows, limit, row => walk.cursorOf(placeOf(row)), total)
    return new JsonPage(jsonRows(TASK_KEYS, { fields, rows: items }), meta)
  }

  /** A page of the tasks right below one, in the order they were made. */
  subtasks(parent: ParentTask, query: Omit<TaskQuery, 'sort'>): Promise<JsonPage> {
    const { id: parentTaskId, projectId, workspaceId } = parent
    const project = { id: projectId, workspaceId, key: '', lastSeq: 0 }
    return this.forProject(project, { ...query, parentTaskId, sort: 'createdAt' })
  }

  /**
   * What changed in a project since; it was read before, so that its sequence is never ahead of the rows.
   * Past a change of the board itself, everything is to be loaded afresh.
   */
  async changes({ id, lastSeq }: Standing, since: number): Promise<ProjectChanges> {
    if (since < (await this.boardSeq(id))) return { lastSeq, reset: true }
    return changesSince(since, lastSeq, {
      rows: limit => this.changed(id, since, limit),
      sizes: limit => this.changedSizes(id, since, limit),
    })
  }

  /** The first changes of a project since, each with whether the task was made since. */
  news(projectId: string, since: number, limit: number): Promise<TaskNews[]> {
    const isNew = sql<boolean>`exists (
      select 1 from ${activities} a
      where a.task_id = ${tasks.id} and a.type = 'task.created' and (a.after ->> 'seq')::bigint > ${since})`
    return this.db.query
      .select({ ...changedTaskRow, isNew })
      .from(tasks)
      .innerJoin(projects, eq(projects.id, tasks.projectId))
      .where(changedIn(projectId, since))
      .orderBy(asc(tasks.seq))
      .limit(limit)
  }

  /** The sequence of the latest change of a project's board itself, whose columns no task's row tells of. */
  async boardSeq(projectId: string): Promise<number> {
    const [found] = await this.db.query
      .select({ boardSeq: projects.boardSeq })
      .from(projects)
      .where(eq(projects.id, projectId))
    return found?.boardSeq ?? 0
  }

  /** Where each of some projects stands. */
  standings(projectIds: readonly string[]): Promise<Standing[]> {
    return this.db.query
      .select({ id: projects.id, lastSeq: projects.lastSeq })
      .from(projects)
      .where(sql`${projects.id} = any(${sql.param(projectIds)}::uuid[])`)
  }

  /** Forgets the sort values that no walk can ask for any more. */
  removeExpiredOrders(now: string): Promise<void> {
    return removeExpired(this.db, taskOrders, now)
  }

  private changed(projectId: string, since: number, limit: number): Promise<ChangedTask[]> {
    return this.db.query
      .select(changedTaskRow)
      .from(tasks)
      .innerJoin(projects, eq(projects.id, tasks.projectId))
      .where(changedIn(projectId, since))
      .orderBy(asc(tasks.seq))
      .limit(limit)
  }

  private async changedSizes(projectId: string, since: number, limit: number): Promise<number[]> {
    const rows = await this.db.query
      .select({ bytes: sql<number>`octet_length(${tasks.title}) + octet_length(${tasks.description})` })
      .from(tasks)
      .where(changedIn(projectId, since))
      .orderBy(asc(tasks.seq))
      .limit(limit)
    return rows.map(({ bytes }) => bytes)
  }
}

/** Where a walk met a row: its id comes first, and the text of its value last. */
function placeOf(row: TextRow): { id: string; text: string } {
  return { id: row[0] ?? '', text: row.at(-1) ?? '' }
}

/** Deleted ones, too. */
function changedIn(projectId: string, since: number) {
  return and(eq(tasks.projectId, projectId), gt(tasks.seq, since))
}
