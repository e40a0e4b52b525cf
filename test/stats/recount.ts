import { expect } from 'vitest'
import { StatsRepository } from '../../src/modules/stats/stats.repository.js'
import type { TestApp } from '../support/app.js'
import { rows } from '../work/support.js'

// What the counters have to say, counted from the rows themselves.

const WORKSPACE = `
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
join project_statuses s on s.project_id = counted.project_id and s.key = counted.status`

const PROJECT = `
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
where s.project_id = $1`

/** What of these differs between the numbers that are served and a recount, by the place and with both. */
export async function differences(
  app: TestApp,
  { workspaceIds, projectIds }: { workspaceIds: readonly string[]; projectIds: readonly string[] },
  now: number,
): Promise<unknown[]> {
  const stats = app.container.resolve(StatsRepository)
  const found: unknown[] = []
  const compare = (place: string, served: object, counted: object) => {
    if (JSON.stringify(served) !== JSON.stringify(counted)) found.push({ place, served, counted })
  }
  for (const id of workspaceIds) {
    const [counted] = await rows(app, WORKSPACE, [id])
    compare('workspace', await stats.ofWorkspace(id), counted)
  }
  for (const id of projectIds) {
    const [counted] = await rows(app, PROJECT, [id, new Date(now).toISOString()])
    compare('project', await stats.ofProject(id, now), counted)
  }
  return found
}

export async function expectNoDifference(
  app: TestApp,
  places: Parameters<typeof differences>[1],
  now: number,
  hint = '',
): Promise<void> {
  expect(await differences(app, places, now), hint).toEqual([])
}
