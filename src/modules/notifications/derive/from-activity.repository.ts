import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, asc, eq, gt, sql } from 'drizzle-orm'
import { seesProject, workspaceIsOpen } from '../../../access/visibility.js'
import { isoInSql } from '../../../db/columns.js'
import { Database, type Queries } from '../../../db/database.js'
import { activities, notificationProgress } from '../../../db/schema/feed.js'
import { watchersOf } from '../watching/watchers.js'
import { type Hint, hintsOf } from './activity-hints.js'
import { precedence, wants } from './recipients.js'
import { type Portion, TellingRepository, type Wanted } from './telling.repository.js'

/** How many activities are looked at in one transaction. */
const PORTION = 200

const NOTHING: Portion = { told: [], isDone: true }

/** Notifies those whom activity concerns. How far that has come is kept for each workspace, in the same transaction. */
@Repository()
export class FromActivityRepository {
  @Autowired(Database) private db!: Database
  @Autowired(TellingRepository) private telling!: TellingRepository

  /** The workspaces, of some or of all, with activity that was not looked at yet. */
  async behind(workspaceIds?: readonly string[]): Promise<string[]> {
    const among = workspaceIds ? sql`w.id = any(${sql.param(workspaceIds)}::uuid[])` : sql`true`
    const { rows } = await this.db.query.execute<{ id: string }>(sql`
      select w.id from workspaces w left join notification_progress p on p.workspace_id = w.id
      where w.last_seq > coalesce(p.seq, 0) and ${among} order by w.id`)
    return rows.map(({ id }) => id)
  }

  /** Looks at the next activities of a workspace, unless another node is at it. */
  settle(workspaceId: string): Promise<Portion> {
    return this.db.write(async tx => {
      const since = await takeTurn(tx, workspaceId)
      if (since === undefined) return NOTHING
      const clues = await cluesSince(tx, workspaceId, since)
      const last = clues.at(-1)
      if (!last) return NOTHING
      const told = await this.telling.tell(tx, await wantedBy(tx, workspaceId, clues.flatMap(hintsOf)))
      await tx
        .update(notificationProgress)
        .set({ seq: last.seq })
        .where(eq(notificationProgress.workspaceId, workspaceId))
      return { told, isDone: clues.length < PORTION }
    })
  }
}

/** Where to go on, under the lock of that; undefined while another transaction has it. */
async function takeTurn(tx: Queries, workspaceId: string): Promise<number | undefined> {
  await tx.insert(notificationProgress).values({ workspaceId }).onConflictDoNothing()
  const [progress] = await tx
    .select({ seq: notificationProgress.seq })
    .from(notificationProgress)
    .where(eq(notificationProgress.workspaceId, workspaceId))
    .for('update', { skipLocked: true })
  return progress?.seq
}

function cluesSince(tx: Queries, workspaceId: string, since: number) {
  const { seq, type, before, after } = activities
  return tx
    .select({
      seq,
      type,
      before: sql<unknown>`${before} - 'content'`,
      after: sql<unknown>`${after} - 'content'`,
    })
    .from(activities)
    .where(and(eq(activities.workspaceId, workspaceId), gt(seq, since)))
    .orderBy(asc(seq))
    .limit(PORTION)
}

async function wantedBy(tx: Queries, workspaceId: string, hints: readonly Hint[]): Promise<Wanted[]> {
  const invited = hints.filter(({ type }) => type === 'workspace.invited')
  const ofTasks = hints.filter(({ type }) => type !== 'workspace.invited')
  const wanted = [
    ...(ofTasks.length > 0 ? await onTasks(tx, workspaceId, ofTasks) : []),
    ...(invited.length > 0 ? await byInvitation(tx, workspaceId, invited) : []),
  ]
  return wanted.toSorted((one, other) => one.seq - other.seq).map(({ seq: _, ...rest }) => rest)
}

/** In the order of the activities; each of them is told to each user as one thing. */
async function onTasks(tx: Queries, workspaceId: string, hints: readonly Hint[]) {
  const { rows } = await tx.execute<Wanted & { seq: number }>(sql`
    with hinted as (
      select h.seq, h.type, coalesce(h."userId", (select id from users where users.username = h.username)) as user_id
      from jsonb_to_recordset(${JSON.stringify(hints)}::jsonb) as h(seq bigint, type text, "userId" uuid, username text)
    ), told as (
      select seq, type, user_id from hinted where user_id is not null
      union all
      select h.seq, h.type, w.user_id from hinted h
      join activities a on a.workspace_id = ${workspaceId} and a.seq = h.seq
      cross join lateral (${watchersOf(sql`a.task_id`, sql`(a.after ->> 'commentId')::uuid`)}) w
      where h.type = 'task.commented'
    )
    select distinct on (a.seq, told.user_id) a.seq, told.user_id as "userId", a.workspace_id as "workspaceId",
      told.type, a.actor_id as "actorId", a.task_id as "taskId", null as "channelId", null as "messageId",
      jsonb_strip_nulls(jsonb_build_object('key', projects.key || '-' || tasks.number, 'title', tasks.title,
        'commentId', a.after ->> 'commentId')) as data,
      'activity:' || a.id as "dedupeKey"
    from told
    join activities a on a.workspace_id = ${workspaceId} and a.seq = told.seq
    join tasks on tasks.id = a.task_id
    join projects on projects.id = tasks.project_id
    join workspaces on workspaces.id = a.workspace_id
    join workspace_members on workspace_members.workspace_id = a.workspace_id and workspace_members.user_id = told.user_id
    left join comments c on c.id = (a.after ->> 'commentId')::uuid
    where told.user_id is distinct from a.actor_id and ${workspaceIsOpen} and ${seesProject}
      and tasks.deleted_at is null and c.deleted_at is null
      and (told.type <> 'comment.mentioned' or told.user_id = any(c.mentions)) and ${wants(sql`told.user_id`, sql`told.type`)}
    order by a.seq, told.user_id, ${precedence(sql`told.type`)}`)
  return rows
}

/** Those with an invited address who have an account, and have not come in yet. */
async function byInvitation(tx: Queries, workspaceId: string, hints: readonly Hint[]) {
  const seqs = hints.map(({ seq }) => seq)
  const { rows } = await tx.execute<Wanted & { seq: number }>(sql`
    select a.seq, users.id as "userId", a.workspace_id as "workspaceId", 'workspace.invited' as type,
      a.actor_id as "actorId", null as "taskId", null as "channelId", null as "messageId",
      jsonb_build_object('invitationId', i.id, 'workspaceName', workspaces.name, 'role', i.role,
        'expiresAt', ${isoInSql(sql`i.expires_at`)}) as data,
      'activity:' || a.id as "dedupeKey"
    from activities a
    join invitations i on i.id = (a.after ->> 'invitationId')::uuid and i.accepted_at is null and i.revoked_at is null
    join users on users.email = i.email
    join workspaces on workspaces.id = a.workspace_id
    where a.workspace_id = ${workspaceId} and a.seq = any(${sql.param(seqs)}::bigint[]) and ${workspaceIsOpen}
      and ${wants(sql`users.id`, sql`'workspace.invited'`)}`)
  return rows
}
