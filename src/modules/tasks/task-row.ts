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

const assignees = sql<Task['assignees']>`coalesce((
  select json_agg(json_build_object('id', u.id, 'username', u.username, 'firstName', u.first_name,
    'lastName', u.last_name, 'avatarUrl', u.avatar_url) order by a.assigned_at, u.id)
  from ${taskAssignees} a join ${users} u on u.id = a.user_id
  where a.task_id = ${tasks.id}), '[]')`

const labelsOf = sql<Task['labels']>`coalesce((
  select json_agg(json_build_object('id', l.id, 'name', l.name, 'color', l.color) order by lower(l.name), l.id)
  from ${taskLabels} tl join ${labels} l on l.id = tl.label_id
  where tl.task_id = ${tasks.id}), '[]')`

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
