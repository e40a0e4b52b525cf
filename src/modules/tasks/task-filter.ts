import { and, eq, inArray, isNull, or, type SQL, sql } from 'drizzle-orm'
import { taskLabels } from '../../db/schema/labels.js'
import { taskAssignees, tasks } from '../../db/schema/work.js'
import type { TaskFilter } from './tasks.contract.js'

/** A filter whose `me` is somebody. */
export type ResolvedFilter = Omit<TaskFilter, 'assigneeId'> & { assigneeId?: string | undefined }

/** As the index of due dates has it. */
const due = sql`coalesce(${tasks.dueDate}, 'infinity')`

export interface ListedProject {
  id: string
  workspaceId: string
  key: string
}

/** The tasks of a project that are not deleted and pass every filter. */
export function matchingTasks(project: ListedProject, filter: ResolvedFilter): SQL | undefined {
  const { status, priority, assigneeId, labelId, parentTaskId, dueBefore, dueAfter, q } = filter
  return and(
    eq(tasks.projectId, project.id),
    isNull(tasks.deletedAt),
    given(status, keys => inArray(tasks.status, keys)),
    given(priority, levels => inArray(tasks.priority, levels)),
    given(assigneeId, userId => isAssigned(project.workspaceId, userId)),
    given(labelId, isLabelled),
    given(parentTaskId, isBelow),
    given(dueBefore, time => sql`${due} < ${time}`),
    given(dueAfter, time => sql`${due} >= ${time} and ${tasks.dueDate} is not null`),
    given(q, text => or(hasWords(text), hasKey(project.key, text))),
  )
}

function given<T>(value: T | undefined, condition: (value: T) => SQL | undefined): SQL | undefined {
  return value === undefined ? undefined : condition(value)
}

function isAssigned(workspaceId: string, userId: string): SQL {
  return sql`exists (select 1 from ${taskAssignees} a
    where a.workspace_id = ${workspaceId} and a.user_id = ${userId} and a.task_id = ${tasks.id})`
}

function isLabelled(labelId: string): SQL {
  return sql`exists (select 1 from ${taskLabels} l where l.task_id = ${tasks.id} and l.label_id = ${labelId})`
}

function isBelow(parentTaskId: string): SQL {
  return parentTaskId === 'none' ? isNull(tasks.parentTaskId) : eq(tasks.parentTaskId, parentTaskId)
}

/** Every word must begin some word of the task. Quoted, no text of a user is an operator of the query. */
function hasWords(text: string): SQL {
  const words = text.trim().split(/\s+/)
  const quoted = words.map(word => `'${word.replace(/['\\]/g, '$&$&')}':*`)
  return sql`${tasks.search} @@ to_tsquery('simple', ${quoted.join(' & ')})`
}

/** `ENG-42`, in any case, or its number alone. */
function hasKey(projectKey: string, text: string): SQL | undefined {
  const [, key, number] = /^(?:([A-Z][A-Z0-9]*)-)?(\d{1,9})$/i.exec(text.trim()) ?? []
  if (number === undefined || (key !== undefined && key.toUpperCase() !== projectKey)) return undefined
  return eq(tasks.number, Number(number))
}
