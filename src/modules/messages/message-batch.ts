import { Autowired, Repository } from '@forinda/kickjs-core'
import { sql } from 'drizzle-orm'
import { seesChannel, workspaceIsOpen } from '../../access/visibility.js'
import { isoFromPostgres } from '../../db/columns.js'
import { Database, sqlState, sqlText } from '../../db/database.js'
import { mentionedNames } from './mentions.js'
import type { Message, Reacted, TaskLink } from './messages.contract.js'
import { linkedTasks } from './task-links/linked-tasks.js'
import { taskKeysIn } from './task-links/task-keys.js'

/** A message on its way into the database. */
export interface Draft {
  id: string
  channelId: string
  senderId: string
  /** Stored only while this session lives; a draft without one needs none. */
  sessionId: string | undefined
  content: string
  parentId: string | null
}

/**
 * What became of a draft: stored now, met by a message with its id, or refused. Of the replies to one
 * message that were stored together, one carries what became of that message, `root`.
 */
export type Verdict =
  | { kind: 'stored'; message: Message; root?: Reacted }
  | { kind: 'known' }
  | { kind: 'session-over' }
  | { kind: 'channel-busy' }
  | { kind: 'channel-not-found' }
  | { kind: 'parent-not-found' }

const UNIQUE_VIOLATION = '23505'

/**
 * The group commit: access, sequence and storage of a whole batch in one statement. It locks the
 * channels in the order of their ids, so that two nodes cannot wait for each other, judges access by
 * the rows it locked, steps each channel's sequence by the number of its new messages, and numbers them in the order given.
 * A reply to a reply belongs to the thread of the first message, which is changed as well: after the new
 * messages come the numbers of those that were replied to, one each, however many the replies.
 */
const STORE_BATCH = sqlText(sql`
with input as (
  select * from unnest($1::int[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::text[], $8::text[], $9::uuid[])
    as t(n, id, channel_id, sender_id, content, parent_id, names, keys, session_id)
), locked as (
  select id, workspace_id, type, deleted_at from channels
  where id in (select channel_id from input) order by id for no key update skip locked
), judged as (
  select i.n, i.id, i.channel_id, i.sender_id, i.content, i.names, i.keys,
    workspaces.id as workspace_id,
    coalesce(p.parent_id, p.id) as parent_id,
    u.first_name || ' ' || u.last_name as sender_name,
    coalesce(workspace_members.user_id is not null and ${workspaceIsOpen} and ${seesChannel}, false) as allowed,
    i.session_id is null or (session.revoked_at is null and session.expires_at > now() and u.disabled_at is null)
      as session_lives,
    channels.id is null and exists (select 1 from channels c where c.id = i.channel_id) as busy,
    i.parent_id is null or p.id is not null as parent_found,
    old.id is not null as known
  from input i
  left join users u on u.id = i.sender_id
  left join sessions session on session.id = i.session_id
  left join locked as channels on channels.id = i.channel_id
  left join workspaces on workspaces.id = channels.workspace_id
  left join workspace_members on workspace_members.workspace_id = workspaces.id and workspace_members.user_id = i.sender_id
  left join messages p on p.channel_id = i.channel_id and p.id = i.parent_id
  left join messages old on old.id = i.id
), marked as (
  select *, session_lives and allowed and parent_found and not known as is_new from judged
), stepped as (
  update channels set last_seq = last_seq + f.count + f.roots
  from (
    select channel_id, count(*) as count, count(distinct parent_id) as roots from marked where is_new group by channel_id
  ) f
  where channels.id = f.channel_id
  returning channels.id, channels.last_seq - f.count - f.roots as base, channels.last_seq - f.roots as root_base
), placed as (
  select m.*, s.root_base,
    case when m.is_new then s.base + row_number() over (partition by m.channel_id, m.is_new order by m.n) end as position,
    clock_timestamp()::timestamp(3) with time zone as sent_at,
    case when m.names = '{}' or not m.is_new then '{}' else coalesce((
      select array_agg(u.id order by u.id) from users u
      join workspace_members on workspace_members.workspace_id = m.workspace_id and workspace_members.user_id = u.id
      join locked as channels on channels.id = m.channel_id
      where u.username = any(m.names::text[]) and ${seesChannel}), '{}') end as mentions,
    case when m.keys = '{}' or not m.is_new then '[]' else ${linkedTasks({
      keys: sql`m.keys::text[]`,
      workspaceId: sql`m.workspace_id`,
      authorId: sql`m.sender_id`,
    })} end as tasks
  from marked m left join stepped s on s.id = m.channel_id
), stored as (
  insert into messages
    (id, channel_id, sender_id, parent_id, content, mentions, tasks, position, seq, created_at, updated_at)
  select id, channel_id, sender_id, parent_id, content, mentions, tasks, position, position, sent_at, sent_at
  from placed where is_new
), mentioned as (
  insert into message_mentions (channel_id, user_id, position)
  select channel_id, unnest(mentions), position from placed where mentions <> '{}'
), untold as (
  insert into untold_replies (channel_id, position)
  select channel_id, position from placed where is_new and parent_id is not null
), linked as (
  insert into message_task_links (workspace_id, channel_id, message_id, task_id, sent_at)
  select p.workspace_id, p.channel_id, p.id, (task ->> 'taskId')::uuid, p.sent_at
  from placed p cross join jsonb_array_elements(p.tasks) task
  where p.tasks <> '[]'
), replied as (
  update messages root set reply_count = root.reply_count + t.replies, last_reply_at = t.last_at,
    seq = t.root_base + t.place
  from (
    select parent_id, root_base, count(*) as replies, max(sent_at) as last_at, max(position) as last_position,
      row_number() over (partition by channel_id order by parent_id) as place
    from placed where is_new and parent_id is not null group by channel_id, root_base, parent_id
  ) t
  where root.id = t.parent_id
  returning jsonb_build_object('messageId', root.id, 'channelId', root.channel_id, 'reactions', root.reactions,
    'replyCount', root.reply_count, 'lastReplyAt', root.last_reply_at::text, 'seq', root.seq,
    'lastReply', t.last_position) as root
)
select session_lives, busy, allowed, parent_found, known, sender_name, parent_id, mentions, tasks, position,
  sent_at::text, case when n = 0 then (select jsonb_agg(root) from replied) end as roots
from placed order by n`)

/** What to do about channels that somebody else holds: leave their drafts, or wait. */
export type OnLocked = 'skip' | 'wait'

const LOCK_CHANNELS = `select id from channels where id = any($1::uuid[]) order by id for no key update`

interface BatchRow {
  session_lives: boolean
  busy: boolean
  allowed: boolean
  parent_found: boolean
  known: boolean
  sender_name: string | null
  parent_id: string | null
  mentions: string[]
  tasks: TaskLink[]
  /** Of those that were stored. */
  position: number | null
  sent_at: string
  /** Of the whole batch, with the first row. */
  roots: RepliedTo[] | null
}

/** A message that was replied to, with the position of the last reply. */
interface RepliedTo extends Reacted {
  lastReplyAt: string
  lastReply: number
}

@Repository()
export class MessageBatch {
  @Autowired(Database) private db!: Database

  /** Stores what may be stored, in one commit, and tells for each draft, in order, what became of it. */
  async store(drafts: readonly Draft[], onLocked: OnLocked): Promise<Verdict[]> {
    try {
      return await this.attempt(drafts, onLocked)
    } catch (error) {
      // Another node stored one of these ids since our snapshot: run again, and it will be known.
      if (sqlState(error) === UNIQUE_VIOLATION) return this.attempt(drafts, onLocked)
      throw error
    }
  }

  private async attempt(drafts: readonly Draft[], onLocked: OnLocked): Promise<Verdict[]> {
    const rows = await this.run(onLocked, [
      drafts.map((_, n) => n),
      drafts.map(draft => draft.id),
      drafts.map(draft => draft.channelId),
      drafts.map(draft => draft.senderId),
      drafts.map(draft => draft.content),
      drafts.map(draft => draft.parentId),
      drafts.map(draft => arrayOf(mentionedNames(draft.content))),
      drafts.map(draft => arrayOf(taskKeysIn(draft.content))),
      drafts.map(draft => draft.sessionId ?? null),
    ])
    const roots = new Map(rows[0]?.roots?.map(root => [root.messageId, root]))
    return drafts.map((draft, n) => verdict(draft, rows[n], roots))
  }

  /** A statement sees what was committed before it began: whoever waits for a lock has to wait before he looks. */
  private run(onLocked: OnLocked, values: unknown[]): Promise<BatchRow[]> {
    const statement = { name: 'store_message_batch', text: STORE_BATCH, values }
    if (onLocked === 'skip') return this.db.prepared<BatchRow>(statement.name, statement.text, values)
    return this.db.preparedInOrder<BatchRow>(
      { name: 'lock_channels', text: LOCK_CHANNELS, values: [values[2]] },
      statement,
    )
  }
}

/** Words as Postgres writes an array of them: an array of arrays would have to be rectangular. */
function arrayOf(words: readonly string[]): string {
  return `{${words.map(word => `"${word}"`)}}`
}

function verdict(draft: Draft, row: BatchRow | undefined, roots: ReadonlyMap<string, RepliedTo>): Verdict {
  if (row && !row.session_lives) return { kind: 'session-over' }
  if (row?.busy) return { kind: 'channel-busy' }
  if (!row?.allowed) return { kind: 'channel-not-found' }
  if (row.known) return { kind: 'known' }
  const { position, sender_name: senderName } = row
  if (position === null || senderName === null) return { kind: 'parent-not-found' }
  const sentAt = isoFromPostgres(row.sent_at)
  const message: Message = {
    messageId: draft.id,
    channelId: draft.channelId,
    senderId: draft.senderId,
    senderName,
    content: draft.content,
    mentions: row.mentions,
    tasks: row.tasks,
    parentId: row.parent_id,
    reactions: [],
    replyCount: 0,
    lastReplyAt: null,
    isEdited: false,
    createdAt: sentAt,
    updatedAt: sentAt,
    deletedAt: null,
    position,
    seq: position,
  }
  const root = roots.get(row.parent_id ?? '')
  return root?.lastReply === position
    ? { kind: 'stored', message, root: reacted(root) }
    : { kind: 'stored', message }
}

function reacted({ lastReply: _, ...root }: RepliedTo): Reacted {
  return { ...root, lastReplyAt: isoFromPostgres(root.lastReplyAt) }
}
