import { Autowired, Repository } from '@forinda/kickjs-core'
import { sql } from 'drizzle-orm'
import { Database, sqlText } from '../../db/database.js'
import { oneRow } from '../../db/one-row.js'
import type { ProjectStats, WorkspaceStats } from './stats.contract.js'

export type WorkspaceCounts = Omit<WorkspaceStats, 'onlineUsersCount' | 'timestamp'>
export type ProjectCounts = Omit<ProjectStats, 'timestamp'>

const COUNT_WORKSPACE = sqlText(sql`
select
  (select count(*) from workspace_members where workspace_id = $1) as "memberCount",
  (select count(*) from projects where workspace_id = $1 and deleted_at is null) as "projectCount",
  coalesce(sum(c.tasks), 0)::bigint as "taskCount",
  coalesce(sum(c.tasks) filter (where s.group in ('backlog', 'unstarted', 'started')), 0)::bigint as "openTasks",
  coalesce(sum(c.tasks) filter (where s.group = 'completed'), 0)::bigint as "completedTasks",
  (select count(*) from channels where workspace_id = $1 and deleted_at is null) as "channelCount"
from projects p
join status_counts c on c.project_id = p.id
join project_statuses s on s.project_id = c.project_id and s.key = c.status
where p.workspace_id = $1 and p.deleted_at is null`)

// Overdue is what was due in the months before this one, on its days before today, and today until now.
// What is asked is looked up as if it were stored: planned with the values themselves, the statement would
// be planned afresh each time, which takes longer than to run it.
const COUNT_PROJECT = sqlText(sql`
with asked as (
  select $1::uuid as project, $2::timestamptz as now, date_trunc('day', $2::timestamptz, 'UTC') as midnight,
    ($2::timestamptz at time zone 'UTC')::date as day, date_trunc('month', $2::timestamptz at time zone 'UTC')::date as month
), due as (
  select status, tasks from due_counts
  where project_id = (select project from asked) and span = 'month' and starts_on < (select month from asked)
  union all
  select status, tasks from due_counts
  where project_id = (select project from asked) and span = 'day'
    and starts_on >= (select month from asked) and starts_on < (select day from asked)
  union all
  select status, count(*) from tasks
  where project_id = (select project from asked) and deleted_at is null and completed_at is null
    and due_date >= (select midnight from asked) and due_date < (select now from asked)
  group by status
), columns as (
  select key, "group", position, coalesce(c.tasks, 0) as tasks,
    coalesce((select sum(tasks) from due where due.status = key), 0) as late
  from project_statuses s left join status_counts c on c.project_id = s.project_id and c.status = s.key
  where s.project_id = (select project from asked)
), talk as (
  select comments, attachments from project_counts where project_id = (select project from asked)
)
select
  coalesce(json_object_agg(key, tasks order by position), '{}') as "tasksByStatus",
  coalesce(sum(tasks), 0)::bigint as "totalTasks",
  coalesce(round(100.0 * sum(tasks) filter (where "group" = 'completed')
    / nullif(sum(tasks) filter (where "group" <> 'cancelled'), 0)), 0)::int as "completionRate",
  coalesce(sum(late) filter (where "group" in ('backlog', 'unstarted', 'started')), 0)::bigint as "overdueTasks",
  coalesce((select comments from talk), 0) as "commentCount",
  coalesce((select attachments from talk), 0) as "attachmentCount"
from columns`)

/** Reads counters, in one statement each: what was counted as it came and went, with all that is deleted left out. */
@Repository()
export class StatsRepository {
  @Autowired(Database) private db!: Database

  async ofWorkspace(workspaceId: string): Promise<WorkspaceCounts> {
    return oneRow(await this.db.prepared<WorkspaceCounts>('count_workspace', COUNT_WORKSPACE, [workspaceId]))
  }

  /** @param now decides what is overdue, in milliseconds since 1970 */
  async ofProject(projectId: string, now: number): Promise<ProjectCounts> {
    const values = [projectId, new Date(now).toISOString()]
    return oneRow(await this.db.prepared<ProjectCounts>('count_project', COUNT_PROJECT, values))
  }
}
