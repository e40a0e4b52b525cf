import { and, asc, desc, eq, inArray, sql } from 'drizzle-orm'
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

/** What goes into a column. */
interface Entry {
  /** Without one, the first column of work not begun. */
  status?: string | undefined
  /** The column that it comes from; a new task, and one that has no choice, comes from none. */
  from?: string | undefined
  tasks?: number
}

/**
 * The column that a task, or several at once, may go into. Under the lock of the workspace, so that no two
 * take the last place in it.
 * @throws STATUS_NOT_FOUND, TRANSITION_NOT_ALLOWED, or WIP_LIMIT_REACHED where there is no room for them
 */
export async function columnToEnter(
  tx: Queries,
  projectId: string,
  { status, from, tasks = 1 }: Entry,
): Promise<Column> {
  const { key, group, position, wipLimit } = projectStatuses
  const [column] = await tx
    .select({ status: key, group, wipLimit, occupied, isOpen: leadsHere(from) })
    .from(projectStatuses)
    .where(and(eq(projectStatuses.projectId, projectId), status === undefined ? undefined : eq(key, status)))
    .orderBy(desc(eq(group, 'unstarted')), position)
    .limit(1)
  if (!column)
    throw refuse('STATUS_NOT_FOUND', { errors: [{ path: 'body.status', message: 'is no column' }] })
  if (!column.isOpen) throw refuse('TRANSITION_NOT_ALLOWED')
  if (column.wipLimit !== null && tasks > 0 && (column.occupied ?? 0) + tasks > column.wipLimit)
    throw refuse('WIP_LIMIT_REACHED')
  return { status: column.status, group: column.group }
}

function leadsHere(from: string | undefined) {
  if (from === undefined) return sql<boolean>`true`
  return sql<boolean>`exists (
    select 1 from ${projectStatuses} f
    where f.project_id = project_statuses.project_id and f.key = ${from}
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
