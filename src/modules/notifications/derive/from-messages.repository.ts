import { Autowired, Repository } from '@forinda/kickjs-core'
import { sql } from 'drizzle-orm'
import { seesChannel, workspaceIsOpen } from '../../../access/visibility.js'
import { Database, type Queries } from '../../../db/database.js'
import { literal } from '../../../db/dialect.js'
import { precedence, wants } from './recipients.js'
import { type Portion, TellingRepository, type Wanted } from './telling.repository.js'

/** How many mentions, replies and listeners are looked at in one transaction, and how far for each listener. */
const PORTION = 200
const STRETCH = 100

/** A message that somebody may have to be told of. */
type Clue = { channelId: string; position: number; listenerId: string | null }

/**
 * Notifies those whom messages concern: who is mentioned, who wrote in the thread, and who wants to be told
 * of all that is said in a channel. Of each message that one of these led to, all three are looked after, so
 * that everybody is told of it as what it is first of all to him.
 */
@Repository()
export class FromMessagesRepository {
  @Autowired(Database) private db!: Database
  @Autowired(TellingRepository) private telling!: TellingRepository

  /** Looks at the next messages, but for those that another node is at. */
  settle(): Promise<Portion> {
    return this.db.write(async tx => {
      const clues = await takeTurn(tx)
      if (clues.length === 0) return { told: [], isDone: true }
      return { told: await this.telling.tell(tx, await wantedBy(tx, clues)), isDone: false }
    })
  }
}

/** Takes what is to be looked at, and settles it. Of a listener that means how far he was told. */
async function takeTurn(tx: Queries): Promise<Clue[]> {
  const { rows } = await tx.execute<Clue>(sql`
    with mentions as (
      select channel_id, user_id, position from message_mentions where not is_settled
      order by channel_id, position limit ${literal(PORTION)} for update skip locked
    ), settled as (
      update message_mentions m set is_settled = true from mentions t
      where m.channel_id = t.channel_id and m.user_id = t.user_id and m.position = t.position
    ), replies as (
      select channel_id, position from untold_replies
      order by channel_id, position limit ${literal(PORTION)} for update skip locked
    ), answered as (
      delete from untold_replies r using replies t where r.channel_id = t.channel_id and r.position = t.position
    ), listeners as (
      select l.channel_id, l.user_id, l.told_seq, least(c.last_seq, l.told_seq + ${STRETCH}) as up_to
      from channel_notification_settings l join channels c on c.id = l.channel_id
      where l.level = 'all' and c.last_seq > l.told_seq
      order by l.channel_id, l.user_id limit ${literal(PORTION)} for update of l skip locked
    ), followed as (
      update channel_notification_settings l set told_seq = t.up_to from listeners t
      where l.channel_id = t.channel_id and l.user_id = t.user_id
    )
    select channel_id as "channelId", position, null::uuid as "listenerId" from mentions
    union select channel_id, position, null from replies
    union select m.channel_id, m.position, l.user_id from listeners l
      join messages m on m.channel_id = l.channel_id and m.position > l.told_seq and m.position <= l.up_to`)
  return rows
}

async function wantedBy(tx: Queries, clues: readonly Clue[]): Promise<Wanted[]> {
  const { rows } = await tx.execute<Wanted>(sql`
    with clues as (
      select * from jsonb_to_recordset(${JSON.stringify(clues)}::jsonb) as c("channelId" uuid, position bigint, "listenerId" uuid)
    ), said as (
      select m.id, m.channel_id, m.position, m.sender_id, m.parent_id, m.mentions from messages m
      where (m.channel_id, m.position) in (select "channelId", position from clues) and m.deleted_at is null
    ), told as (
      select m.id, unnest(m.mentions) as user_id, 'message.mentioned' as type from said m
      union
      select m.id, earlier.sender_id, 'message.replied' from said m
      join messages earlier on earlier.id = m.parent_id or (earlier.parent_id = m.parent_id and earlier.position < m.position)
      where earlier.deleted_at is null
      union
      select m.id, c."listenerId", 'message.sent' from said m
      join clues c on c."channelId" = m.channel_id and c.position = m.position and c."listenerId" is not null
    )
    select distinct on (m.channel_id, m.position, told.user_id)
      told.user_id as "userId", channels.workspace_id as "workspaceId", told.type, m.sender_id as "actorId",
      null as "taskId", m.channel_id as "channelId", m.id as "messageId",
      jsonb_strip_nulls(jsonb_build_object('channelName', channels.name, 'parentId', m.parent_id)) as data,
      'message:' || m.id as "dedupeKey"
    from told
    join said m on m.id = told.id
    join channels on channels.id = m.channel_id
    join workspaces on workspaces.id = channels.workspace_id
    join workspace_members on workspace_members.workspace_id = channels.workspace_id and workspace_members.user_id = told.user_id
    where told.user_id <> m.sender_id and ${workspaceIsOpen} and ${seesChannel}
      and not exists (
        select 1 from channel_notification_settings l
        where l.channel_id = m.channel_id and l.user_id = told.user_id and l.level = 'none')
      and ${wants(sql`told.user_id`, sql`told.type`)}
    order by m.channel_id, m.position, told.user_id, ${precedence(sql`told.type`)}`)
  return rows
}
