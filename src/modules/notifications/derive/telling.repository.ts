import { Autowired, Repository } from '@forinda/kickjs-core'
import { asc, eq, getTableColumns, inArray, sql } from 'drizzle-orm'
import { v7 } from 'uuid'
import type { Queries } from '../../../db/database.js'
import { notificationSettings, notifications } from '../../../db/schema/feed.js'
import { users } from '../../../db/schema/people.js'
import { Mailer } from '../../../mailer.js'
import { letterOf } from '../letters.js'
import { notificationRow } from '../notification-row.js'
import type { Notification, NotificationType } from '../notifications.contract.js'

/** A notification that somebody is to get, unless he was told of the same before. */
export type Wanted = {
  userId: string
  workspaceId: string
  type: NotificationType
  actorId: string | null
  taskId: string | null
  channelId: string | null
  messageId: string | null
  data: Notification['data']
  /** What it is about: each user is told of it once. */
  dedupeKey: string
}

/** What one transaction has told; `isDone` where it found nothing more to look at. */
export interface Portion {
  told: Notification[]
  isDone: boolean
}

/** The one way in which notifications come to be. */
@Repository()
export class TellingRepository {
  @Autowired(Mailer) private mailer!: Mailer

  /**
   * Stores those of which nobody was told before, each with its user's next number, and the mails that
   * go with them; gives them by user, in the order of their numbers.
   */
  async tell(tx: Queries, wanted: readonly Wanted[]): Promise<Notification[]> {
    if (wanted.length === 0) return []
    await lockSequences(tx, wanted)
    const ids = await store(tx, wanted)
    if (ids.length === 0) return []
    const told = await tx
      .select(notificationRow)
      .from(notifications)
      .leftJoin(users, eq(users.id, notifications.actorId))
      .where(inArray(notifications.id, ids))
      .orderBy(asc(notifications.userId), asc(notifications.seq))
    await this.mail(tx, told)
    return told
  }

  private async mail(tx: Queries, told: readonly Notification[]) {
    if (!this.mailer.isOn) return
    const addresses = await addressesOf(tx, told)
    const letters = told.flatMap(notification => {
      const letter = letterOf(notification)
      const to = addresses.get(notification.userId)
      return letter && to ? [{ ...letter, to, userId: notification.userId }] : []
    })
    await this.mailer.queue(tx, letters)
  }
}

/** In the order of the users, so that nobody who does the same waits for what this one waits for. */
async function lockSequences(tx: Queries, wanted: readonly Wanted[]): Promise<void> {
  const userIds = [...new Set(wanted.map(({ userId }) => userId))].sort()
  await tx.execute(sql`
    insert into notification_sequences (user_id) select unnest(${sql.param(userIds)}::uuid[]) order by 1
    on conflict (user_id) do update set last_seq = notification_sequences.last_seq`)
}

/** In a statement of its own, which sees what was stored before the lock was had. */
async function store(tx: Queries, wanted: readonly Wanted[]): Promise<string[]> {
  const given = JSON.stringify(wanted.map((one, n) => ({ n, id: v7(), ...one })))
  const { rows } = await tx.execute<{ id: string }>(sql`
    with wanted as (
      select distinct on ("userId", "dedupeKey") *
      from jsonb_to_recordset(${given}::jsonb) as w(n int, id uuid, "userId" uuid, "workspaceId" uuid, type text,
        "actorId" uuid, "taskId" uuid, "channelId" uuid, "messageId" uuid, data jsonb, "dedupeKey" text)
      order by "userId", "dedupeKey", n
    ), fresh as (
      select *, row_number() over (partition by "userId" order by n) as place from wanted w
      where not exists (select 1 from ${notifications} o where o.user_id = w."userId" and o.dedupe_key = w."dedupeKey")
    ), stepped as (
      update notification_sequences s set last_seq = s.last_seq + f.count
      from (select "userId", count(*) as count from fresh group by "userId") f
      where s.user_id = f."userId"
      returning s.user_id, s.last_seq - f.count as base
    )
    insert into ${notifications}
      (id, user_id, seq, workspace_id, type, actor_id, task_id, channel_id, message_id, data, dedupe_key)
    select f.id, f."userId", s.base + f.place, f."workspaceId", f.type, f."actorId", f."taskId", f."channelId",
      f."messageId", f.data, f."dedupeKey"
    from fresh f join stepped s on s.user_id = f."userId"
    returning id`)
  return rows.map(({ id }) => id)
}

/** By user; those who want no mails have none. */
async function addressesOf(tx: Queries, told: readonly Notification[]): Promise<Map<string, string>> {
  const { email } = getTableColumns(notificationSettings)
  const found = await tx
    .select({ userId: users.id, address: users.email })
    .from(users)
    .leftJoin(notificationSettings, eq(notificationSettings.userId, users.id))
    .where(
      sql`${inArray(users.id, [...new Set(told.map(({ userId }) => userId))])} and coalesce(${email}, true)`,
    )
  return new Map(found.map(({ userId, address }) => [userId, address]))
}
