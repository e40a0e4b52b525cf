import { eq, inArray, sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import type { Queries } from '../../db/database.js'
import { attachments } from '../../db/schema/attachments.js'
import { comments } from '../../db/schema/comments.js'
import { labels, taskLabels } from '../../db/schema/labels.js'
import { users } from '../../db/schema/people.js'
import { projects, taskAssignees, tasks } from '../../db/schema/work.js'
import { refuse } from '../../errors.js'
import type { Task } from './tasks.contract.js'

const people = sql`json_agg(json_build_object('id', u.id, 'username', u.username, 'firstName', u.first_name,
  'lastName', u.last_name, 'avatarUrl', u.avatar_url) order by a.assigned_at, u.id)`
const assigned = sql`${taskAssignees} a join ${users} u on u.id = a.user_id`
const named = sql`json_agg(json_build_object('id', l.id, 'name', l.name, 'color', l.color) order by lower(l.name), l.id)`
const labelled = sql`${taskLabels} tl join ${labels} l on l.id = tl.label_id`

const assignees = sql<Task['assignees']>`coalesce((
  select ${people} from ${assigned} where a.task_id = ${tasks.id}), '[]')`

const labelsOf = sql<Task['labels']>`coalesce((
  select ${named} from ${labelled} where tl.task_id = ${tasks.id}), '[]')`

const commentCount = sql<number>`(
  select count(*) from ${comments} c where c.task_id = ${tasks.id} and c.deleted_at is null)`

const attachmentCount = sql<number>`(
  select count(*) from ${attachments} f where f.task_id = ${tasks.id} and f.deleted_at is null)`

/** A task as clients see it, selected from `tasks` joined with its project. */
export const taskRow = {
  id: tasks.id,
  key: sql<string>`${projects.key} || '-' || ${tasks.number}`,
  projectId: tasks.projectId,
  workspaceId: tasks.workspaceId,
  title: tasks.title,
  description: tasks.description,
  status: tasks.status,
  priority: tasks.priority,
  assignees,
  labels: labelsOf,
  reporterId: tasks.reporterId,
  parentTaskId: tasks.parentTaskId,
  dueDate: tasks.dueDate,
  estimatePoints: tasks.estimatePoints,
  rank: tasks.rank,
  commentCount,
  attachmentCount,
  version: tasks.version,
  seq: tasks.seq,
  createdAt: tasks.createdAt,
  updatedAt: tasks.updatedAt,
  startedAt: tasks.startedAt,
  completedAt: tasks.completedAt,
}

/**
 * The same with people and labels from `companions`, which reads those of a page at once: for each task by itself that
 * takes longer than all else of the page.
 */
export const listedTaskRow = {
  ...taskRow,
  assignees: sql<Task['assignees']>`coalesce(people.list, '[]')`,
  labels: sql<Task['labels']>`coalesce(named.list, '[]')`,
}

/** For the `with` of a statement that has a table `walk`, with the `id` of each task of a page; and their joins. */
export const companions = {
  tables: sql`
    people as (select a.task_id, ${people} as list from ${assigned} where a.task_id in (select id from walk) group by a.task_id),
    named as (select tl.task_id, ${named} as list from ${labelled} where tl.task_id in (select id from walk) group by tl.task_id)`,
  joins: sql`left join people on people.task_id = ${tasks.id} left join named on named.task_id = ${tasks.id}`,
}

const unlessDeleted = (text: AnyPgColumn) =>
  sql<string>`case when ${tasks.deletedAt} is null then ${text} else '' end`

/** The same of a task that may be deleted: then without its texts. */
export const changedTaskRow = {
  ...taskRow,
  title: unlessDeleted(tasks.title),
  description: unlessDeleted(tasks.description),
  deletedAt: tasks.deletedAt,
}

/** Tasks as clients see them, whole, in one statement for any number of rows. */
export function selectTasks(queries: Queries) {
  return queries.select(taskRow).from(tasks).innerJoin(projects, eq(projects.id, tasks.projectId)).$dynamic()
}

export async function oneTask(queries: Queries, taskId: string): Promise<Task> {
  const [found] = await selectTasks(queries).where(eq(tasks.id, taskId))
  if (!found) throw refuse('TASK_NOT_FOUND')
  return found
}

/** In the order of their latest changes. */
export async function someTasks(queries: Queries, taskIds: readonly string[]): Promise<Task[]> {
  if (taskIds.length === 0) return []
  return selectTasks(queries)
    .where(inArray(tasks.id, [...taskIds]))
    .orderBy(tasks.seq)
}
