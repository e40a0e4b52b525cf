import { and, desc, eq, inArray, sql } from 'drizzle-orm'
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

/**
 * The column that one more task goes into; without a status, the first column of work not begun.
 * @throws STATUS_NOT_FOUND, or WIP_LIMIT_REACHED where it is full
 */
export async function columnToEnter(tx: Queries, projectId: string, status?: string): Promise<Column> {
  const { key, group, position, wipLimit } = projectStatuses
  const [column] = await tx
    .select({ status: key, group, wipLimit, occupied })
    .from(projectStatuses)
    .where(and(eq(projectStatuses.projectId, projectId), status === undefined ? undefined : eq(key, status)))
    .orderBy(desc(eq(group, 'unstarted')), position)
    .limit(1)
  if (!column)
    throw refuse('STATUS_NOT_FOUND', { errors: [{ path: 'body.status', message: 'is no column' }] })
  if (column.wipLimit !== null && (column.occupied ?? 0) >= column.wipLimit) throw refuse('WIP_LIMIT_REACHED')
  return { status: column.status, group: column.group }
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
