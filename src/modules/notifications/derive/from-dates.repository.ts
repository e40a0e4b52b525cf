import { Autowired, Repository } from '@forinda/kickjs-core'
import { type SQL, sql } from 'drizzle-orm'
import { seesProject, workspaceIsOpen } from '../../../access/visibility.js'
import { isoInSql } from '../../../db/columns.js'
import { Database } from '../../../db/database.js'
import { literal } from '../../../db/dialect.js'
import { dayIn, knownZones } from '../../../db/time-zones.js'
import type { Notification } from '../notifications.contract.js'
import { isUnwatched } from '../watching/watchers.js'
import { wants } from './recipients.js'
import { TellingRepository, type Wanted } from './telling.repository.js'

/** What is told of a date that comes near or is past: `due` says of whom, on rows of tasks, users and zones. */
interface Reminder {
  type: 'task.due_soon' | 'task.overdue'
  due: SQL
}

/** Reminds those who work on a task of its date. */
@Repository()
export class FromDatesRepository {
  @Autowired(Database) private db!: Database
  @Autowired(TellingRepository) private telling!: TellingRepository

  /** Of open tasks whose day was over by `now` (ISO 8601), each by his own clock; at most `limit` at a time. */
  overdue(now: string, limit: number): Promise<Notification[]> {
    const isPast = sql`tasks.due_date < ${now}::timestamptz
      and ${dayIn(sql`tasks.due_date`)} < ${dayIn(sql`${now}::timestamptz`)}`
    return this.remind({ type: 'task.overdue', due: isPast }, limit)
  }

  /** Of open tasks that are due within 24 hours from `now`. */
  dueSoon(now: string, limit: number): Promise<Notification[]> {
    const isNear = sql`tasks.due_date >= ${now}::timestamptz
      and tasks.due_date <= ${now}::timestamptz + interval '24 hours'`
    return this.remind({ type: 'task.due_soon', due: isNear }, limit)
  }

  /**
   * Tells each assignee, or the reporter where nobody is assigned, as far as he still sees the project. Who
   * was told before of the same date of a task is left alone.
   */
  private remind({ type, due }: Reminder, limit: number): Promise<Notification[]> {
    const about = sql`${`${type.slice('task.'.length)}:`}::text || tasks.id || ':' || ${isoInSql(sql`tasks.due_date`)}`
    return this.db.write(async tx => {
      const { rows } = await tx.execute<Wanted>(sql`
        with ${knownZones}
        select told.user_id as "userId", tasks.workspace_id as "workspaceId", ${type}::text as type,
          null as "actorId", tasks.id as "taskId", null as "channelId", null as "messageId",
          jsonb_build_object('key', projects.key || '-' || tasks.number, 'title', tasks.title,
            'dueDate', ${isoInSql(sql`tasks.due_date`)}) as data,
          ${about} as "dedupeKey"
        from tasks
        join projects on projects.id = tasks.project_id
        join workspaces on workspaces.id = tasks.workspace_id
        join project_statuses s on s.project_id = tasks.project_id and s.key = tasks.status
        cross join lateral (
          select a.user_id from task_assignees a where a.task_id = tasks.id
          union all
          select tasks.reporter_id where not exists (select 1 from task_assignees a where a.task_id = tasks.id)
        ) told
        join users on users.id = told.user_id
        join workspace_members
          on workspace_members.workspace_id = tasks.workspace_id and workspace_members.user_id = told.user_id
        where ${due} and tasks.deleted_at is null and tasks.completed_at is null
          and s.group in ('backlog', 'unstarted', 'started') and ${workspaceIsOpen} and ${seesProject}
          and not ${isUnwatched(sql`tasks.id`, sql`told.user_id`)} and ${wants(sql`told.user_id`, sql`${type}::text`)}
          and not exists (
            select 1 from notifications n where n.user_id = told.user_id and n.dedupe_key = ${about})
        limit ${literal(limit)}`)
      return this.telling.tell(tx, rows)
    })
  }
}
