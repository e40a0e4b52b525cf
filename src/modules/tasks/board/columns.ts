import { and, asc, desc, eq, inArray, or, sql } from 'drizzle-orm'
import type { Queries } from '../../../db/database.js'
import { projectStatuses } from '../../../db/schema/work.js'
import { refuse } from '../../../errors.js'
import type { ProjectStatus } from './columns.contract.js'

type Group = ProjectStatus['group']

export interface Column {
  status: string
  group: Group
}

const occupied = sql<number | null>`case when wip_limit is not null then (
  select count(*) from tasks t
  where t.project_id = project_statuses.project_id and t.status = project_statuses.key and t.deleted_at is null) end`

/** The columns of a project from left to right. */
export function columnsOf(queries: Queries, projectId: string): Promise<ProjectStatus[]> {
  const { key, name, group, position, wipLimit, transitions } = projectStatuses
  return queries
    .select({ key, name, group, position, wipLimit, transitions })
    .from(projectStatuses)
    .where(eq(projectStatuses.projectId, projectId))
    .orderBy(asc(position))
}

/** What goes into a column: one task. */
export interface Entry {
  /** Without one, the first column of work not begun. */
  status?: string | undefined
  /** The column that it comes from; a new task, and one that has no choice, comes from none. */
  from?: string | undefined
  /** What of the request has the `status`. */
  path?: string | undefined
}

/**
 * The columns that tasks, all of them at once, may go into. Under the lock of the workspace, so that no two
 * take the last place in one.
 * @throws STATUS_NOT_FOUND, TRANSITION_NOT_ALLOWED, or WIP_LIMIT_REACHED where there is no room for them
 */
export async function columnsToEnter<E extends Entry>(
  tx: Queries,
  projectId: string,
  entries: readonly E[],
): Promise<(E & { column: Column })[]> {
  if (entries.length === 0) return []
  const columns = await named(tx, projectId, entries)
  const entering = entries.map(entry => ({ ...entry, column: columnOf(entry, columns) }))
  const isShut = entering.some(({ from, column }) => from !== undefined && !column.openFrom.includes(from))
  if (isShut) throw refuse('TRANSITION_NOT_ALLOWED')
  for (const column of columns) {
    const { wipLimit, occupied } = column
    const coming = entering.filter(entry => entry.column === column).length
    if (wipLimit !== null && coming > 0 && (occupied ?? 0) + coming > wipLimit)
      throw refuse('WIP_LIMIT_REACHED')
  }
  return entering
}

type NamedColumn = Awaited<ReturnType<typeof named>>[number]

/** The columns that entries name; the first of them is the one for those that name none. */
function named(tx: Queries, projectId: string, entries: readonly Entry[]) {
  const { key, group, position, wipLimit } = projectStatuses
  const keys = [...new Set(entries.map(({ status }) => status))]
  const isNamed = inArray(
    key,
    keys.filter(status => status !== undefined),
  )
  const isUsual = sql`${key} = (
    select u.key from ${projectStatuses} u where u.project_id = ${projectId}
    order by u."group" = 'unstarted' desc, u.position limit 1)`
  return tx
    .select({ status: key, group, wipLimit, occupied, openFrom: openFrom(entries) })
    .from(projectStatuses)
    .where(
      and(
        eq(projectStatuses.projectId, projectId),
        keys.includes(undefined) ? or(isNamed, isUsual) : isNamed,
      ),
    )
    .orderBy(desc(eq(group, 'unstarted')), position)
}

function columnOf({ status, path = 'body' }: Entry, columns: readonly NamedColumn[]): NamedColumn {
  const column = status === undefined ? columns[0] : columns.find(other => other.status === status)
  if (column) return column
  throw refuse('STATUS_NOT_FOUND', { errors: [{ path: `${path}.status`, message: 'is no column' }] })
}

/** Those of the columns which entries come from that lead to this one. */
function openFrom(entries: readonly Entry[]) {
  const from = [...new Set(entries.flatMap(entry => entry.from ?? []))]
  return sql<string[]>`array(
    select f.key from ${projectStatuses} f
    where f.project_id = project_statuses.project_id and f.key = any(${sql.param(from)}::text[])
      and (f.transitions is null or project_statuses.key = any(f.transitions)))`
}

/**
 * For a filter: that the project has the columns it names.
 * @throws STATUS_NOT_FOUND
 */
export async function requireColumns(
  queries: Queries,
  projectId: string,
  statuses: readonly string[],
): Promise<void> {
  const { key } = projectStatuses
  const found = await queries
    .select({ key })
    .from(projectStatuses)
    .where(and(eq(projectStatuses.projectId, projectId), inArray(key, [...statuses])))
  const unknown = statuses.find(status => found.every(column => column.key !== status))
  if (unknown === undefined) return
  throw refuse('STATUS_NOT_FOUND', { errors: [{ path: 'query.status', message: `${unknown} is no column` }] })
}

interface Milestones {
  startedAt: string | null
  completedAt: string | null
}

/**
 * When a task that comes into a column was started and completed: the first time counts, going back
 * before the start takes it back, and what was given up was never completed.
 */
export function milestones(group: Group, { startedAt, completedAt }: Milestones, at: string): Milestones {
  switch (group) {
    case 'backlog':
    case 'unstarted':
      return { startedAt: null, completedAt: null }
    case 'started':
      return { startedAt: startedAt ?? at, completedAt: null }
    case 'completed':
      return { startedAt, completedAt: completedAt ?? at }
    case 'cancelled':
      return { startedAt, completedAt: null }
  }
}
