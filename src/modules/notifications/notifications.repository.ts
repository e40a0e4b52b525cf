import { Autowired, Repository } from '@forinda/kickjs-core'
import { sql } from 'drizzle-orm'
import { seesProject, workspaceIsOpen } from '../../access/visibility.js'
import { Database } from '../../db/database.js'

/** A UUID v7 made by Postgres, which has no function for it before 18: the time, then chance. */
const uuidV7 = sql`(
  lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') || '7' ||
  substr(gen_random_uuid()::text, 16, 3) || substr(replace(gen_random_uuid()::text, '-', ''), 17))::uuid`

const dueDate = sql`to_char(tasks.due_date at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

@Repository()
export class NotificationsRepository {
  @Autowired(Database) private db!: Database

  /**
   * Records a `task.overdue` for each assignee of each open task that was due before `now`, or for
   * its reporter where nobody is assigned, as far as he still sees the project. What was recorded
   * before for the same due date stays alone. Tells how many were new, at most `limit`.
   */
  async recordOverdue(now: string, limit: number): Promise<number> {
    const { rowCount } = await this.db.query.execute(sql`
      insert into notifications (id, user_id, workspace_id, type, task_id, data, dedupe_key)
      select ${uuidV7}, told.user_id, tasks.workspace_id, 'task.overdue', tasks.id,
        jsonb_build_object('key', projects.key || '-' || tasks.number, 'title', tasks.title, 'dueDate', ${dueDate}),
        told.dedupe_key
      from tasks
      join projects on projects.id = tasks.project_id
      join workspaces on workspaces.id = tasks.workspace_id
      join project_statuses s on s.project_id = tasks.project_id and s.key = tasks.status
      cross join lateral (
        select recipient.user_id, 'overdue:' || tasks.id || ':' || ${dueDate} as dedupe_key from (
          select a.user_id from task_assignees a where a.task_id = tasks.id
          union all
          select tasks.reporter_id where not exists (select 1 from task_assignees a where a.task_id = tasks.id)
        ) recipient
      ) told
      join workspace_members
        on workspace_members.workspace_id = tasks.workspace_id and workspace_members.user_id = told.user_id
      where tasks.due_date < ${now}::timestamptz and tasks.deleted_at is null and tasks.completed_at is null
        and s.group in ('backlog', 'unstarted', 'started') and ${workspaceIsOpen} and ${seesProject}
        and not exists (
          select 1 from notifications n where n.user_id = told.user_id and n.dedupe_key = told.dedupe_key)
      limit ${limit}
      on conflict (user_id, dedupe_key) do nothing`)
    return rowCount ?? 0
  }
}
