import { Autowired, Repository } from '@forinda/kickjs-core'
import { sql } from 'drizzle-orm'
import { seesChannel, workspaceIsOpen } from '../../access/visibility.js'
import { isoFromPostgres } from '../../db/columns.js'
import { Database, sqlState, sqlText } from '../../db/database.js'
import { mentionedNames } from './mentions.js'
import type { Message } from './messages.contract.js'

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

/** What became of a draft: stored now, met by a message with its id, or refused. */
export type Verdict =
  | { kind: 'stored'; message: Message }
  | { kind: 'known' }
  | { kind: 'session-over' }
  | { kind: 'channel-not-found' }
  | { kind: 'parent-not-found' }

const UNIQUE_VIOLATION = '23505'

/**
 * The group commit: access, sequence and storage of a whole batch in one statement. It locks the
 * channels in the order of their ids, so that two nodes cannot wait for each other, judges access by
 * the rows it locked, steps each channel's sequence by the number of its new messages, and numbers them in the order given.
 * A reply to a reply belongs to the thread of the first message.
 */
const STORE_BATCH = sqlText(sql`
with input as (
  select * from unnest($1::int[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::text[], $8::uuid[])
    as t(n, id, channel_id, sender_id, content, parent_id, names, session_id)
), locked as (
  select id, workspace_id, type, deleted_at from channels
  where id in (select channel_id from input) order by id for no key update
), judged as (
  select i.n, i.id, i.channel_id, i.sender_id, i.content, i.names, workspaces.id as workspace_id,
    coalesce(p.parent_id, p.id) as parent_id,
    u.first_name || ' ' || u.last_name as sender_name,
    coalesce(workspace_members.user_id is not null and ${workspaceIsOpen} and ${seesChannel}, false) as allowed,
    i.session_id is null or (session.revoked_at is null and session.expires_at > now() and u.disabled_at is null)
      as session_lives,
    i.parent_id is null or p.id is not null as parent_found,
    old.id is not null as known
  from input i
  join users u on u.id = i.sender_id
  left join sessions session on session.id = i.session_id
  left join locked as channels on channels.id = i.channel_id
  left join workspaces on workspaces.id = channels.workspace_id
  left join workspace_members on workspace_members.workspace_id = workspaces.id and workspace_members.user_id = i.sender_id
  left join messages p on p.channel_id = i.channel_id and p.id = i.parent_id
  left join messages old on old.id = i.id
), fresh as (
  select *, row_number() over (partition by channel_id order by n) as place
  from judged where session_lives and allowed and parent_found and not known
), stepped as (
  update channels set last_seq = last_seq + f.count
  from (select channel_id, count(*) as count from fresh group by channel_id) f
  where channels.id = f.channel_id
  returning channels.id, channels.last_seq - f.count as base
), stored as (
  insert into messages (id, channel_id, sender_id, parent_id, content, mentions, position, seq, created_at, updated_at)
  select f.id, f.channel_id, f.sender_id, f.parent_id, f.content,
    case when f.names = '{}' then '{}' else coalesce((
      select array_agg(u.id order by u.id) from users u
      join workspace_members on workspace_members.workspace_id = f.workspace_id and workspace_members.user_id = u.id
      join locked as channels on channels.id = f.channel_id
      where u.username = any(f.names::text[]) and ${seesChannel}), '{}') end,
    s.base + f.place, s.base + f.place, clock_timestamp(), clock_timestamp()
  from fresh f join stepped s on s.id = f.channel_id
  returning id, parent_id, mentions, position, created_at, updated_at
), mentioned as (
  insert into message_mentions (channel_id, user_id, position)
  select f.channel_id, unnest(s.mentions), s.position from stored s join fresh f on f.id = s.id
)
select j.n, j.session_lives, j.allowed, j.parent_found, j.known, j.sender_name, s.parent_id, s.mentions, s.position,
  s.created_at::text, s.updated_at::text
from judged j left join stored s on s.id = j.id and not j.known
order by j.n`)

interface BatchRow {
  n: number
  session_lives: boolean
  allowed: boolean
  parent_found: boolean
  known: boolean
  sender_name: string
  parent_id: string | null
  mentions: string[] | null
  position: number | null
  created_at: string | null
  updated_at: string | null
}

@Repository()
export class MessageBatch {
  @Autowired(Database) private db!: Database

  /** Stores what may be stored, in one commit, and tells for each draft, in order, what became of it. */
  async store(drafts: readonly Draft[]): Promise<Verdict[]> {
    try {
      return await this.attempt(drafts)
    } catch (error) {
      // Another node stored one of these ids since our snapshot: run again, and it will be known.
      if (sqlState(error) === UNIQUE_VIOLATION) return this.attempt(drafts)
      throw error
    }
  }

  private async attempt(drafts: readonly Draft[]): Promise<Verdict[]> {
    const rows = await this.db.prepared<BatchRow>('store_message_batch', STORE_BATCH, [
      drafts.map((_, n) => n),
      drafts.map(draft => draft.id),
      drafts.map(draft => draft.channelId),
      drafts.map(draft => draft.senderId),
      drafts.map(draft => draft.content),
      drafts.map(draft => draft.parentId),
      drafts.map(draft => `{${mentionedNames(draft.content).map(name => `"${name}"`)}}`),
      drafts.map(draft => draft.sessionId ?? null),
    ])
    const byPlace = new Map(rows.map(row => [row.n, row]))
    return drafts.map((draft, n) => verdict(draft, byPlace.get(n)))
  }
}

function verdict(draft: Draft, row: BatchRow | undefined): Verdict {
  if (row && !row.session_lives) return { kind: 'session-over' }
  if (!row?.allowed) return { kind: 'channel-not-found' }
  if (row.known) return { kind: 'known' }
  const { position, created_at, updated_at } = row
  if (position === null || created_at === null || updated_at === null) return { kind: 'parent-not-found' }
  const message: Message = {
    messageId: draft.id,
    channelId: draft.channelId,
    senderId: draft.senderId,
    senderName: row.sender_name,
    content: draft.content,
    mentions: row.mentions ?? [],
    parentId: row.parent_id,
    reactions: [],
    isEdited: false,
    createdAt: isoFromPostgres(created_at),
    updatedAt: isoFromPostgres(updated_at),
    deletedAt: null,
    position,
    seq: position,
  }
  return { kind: 'stored', message }
}
