import { Autowired, Repository } from '@forinda/kickjs-core'
import { sql } from 'drizzle-orm'
import { Database, sqlText } from '../../db/database.js'
import type { ProjectStats, WorkspaceStats } from './stats.contract.js'

export type WorkspaceCounts = Omit<WorkspaceStats, 'onlineUsersCount' | 'timestamp'>
export type ProjectCounts = Omit<ProjectStats, 'timestamp'>

const COUNT_WORKSPACE = sqlText(sql`
select
  (select count(*) from workspace_members where workspace_id = $1) as "memberCount",
  (select count(*) from projects where workspace_id = $1 and deleted_at is null) as "projectCount",
  coalesce(sum(n), 0)::bigint as "taskCount",
  coalesce(sum(n) filter (where s.group in ('backlog', 'unstarted', 'started')), 0)::bigint as "openTasks",
  coalesce(sum(n) filter (where s.group = 'completed'), 0)::bigint as "completedTasks",
  (select count(*) from channels where workspace_id = $1 and deleted_at is null) as "channelCount"
from (
  select project_id, status, count(*) as n from tasks
  where workspace_id = $1 and deleted_at is null
  group by project_id, status
) counted
join projects p on p.id = counted.project_id and p.deleted_at is null
join project_statuses s on s.project_id = counted.project_id and s.key = counted.status`)

const COUNT_PROJECT = sqlText(sql`
select
  coalesce(json_object_agg(s.key, coalesce(n, 0) order by s.position), '{}') as "tasksByStatus",
  coalesce(sum(n), 0)::bigint as "totalTasks",
  coalesce(round(100.0 * sum(n) filter (where s.group = 'completed')
    / nullif(sum(n) filter (where s.group <> 'cancelled'), 0)), 0)::int as "completionRate",
  (select count(*) from tasks t
    join project_statuses open on open.project_id = t.project_id and open.key = t.status
    where t.project_id = $1 and t.deleted_at is null and t.completed_at is null and t.due_date < $2::timestamptz
      and open.group in ('backlog', 'unstarted', 'started')) as "overdueTasks",
  (select count(*) from comments c join tasks t on t.id = c.task_id
    where t.project_id = $1 and t.deleted_at is null and c.deleted_at is null) as "commentCount",
  (select count(*) from attachments a join tasks t on t.id = a.task_id
    where t.project_id = $1 and t.deleted_at is null and a.deleted_at is null) as "attachmentCount"
from project_statuses s
left join (
  select status, count(*) as n from tasks
  where project_id = $1 and deleted_at is null
  group by status
) counted on counted.status = s.key
where s.project_id = $1`)

/** Counts in Postgres, in one statement each, with all that is deleted left out. */
@Repository()
export class StatsRepository {
  @Autowired(Database) private db!: Database

  async ofWorkspace(workspaceId: string): Promise<WorkspaceCounts> {
    return one(await this.db.prepared<WorkspaceCounts>('count_workspace', COUNT_WORKSPACE, [workspaceId]))
  }

  /** @param now decides what is overdue, in milliseconds since 1970 */
  async ofProject(projectId: string, now: number): Promise<ProjectCounts> {
    const values = [projectId, new Date(now).toISOString()]
    return one(await this.db.prepared<ProjectCounts>('count_project', COUNT_PROJECT, values))
  }
}

/** An aggregate without `group by` has exactly one row. */
function one<Row>([row]: Row[]): Row {
  if (row === undefined) throw new Error('An aggregate gave no row')
  return row
}
