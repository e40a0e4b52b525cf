import type { ClientBase } from 'pg'
import { idOf, inBulk } from './bulk.js'

/**
 * What was said in a channel, a message a second, each with a number: `$1` is how many, `$2` the channel, `$3` who
 * speaks in turns.
 */
export const messageDrafts = `
  select n, ${idOf('message', '$2::text || n', 'at')} as id, at as created_at,
    ($3::uuid[])[1 + n % cardinality($3::uuid[])] as sender_id,
    'Message ' || n || ': ' || repeat('and another thing, ', 2 + n % 8) as content
  from generate_series(1, $1::int) n, lateral (select timestamptz '2025-01-01' + n * interval '1 s' as at) sent`

const insertMessages = `
  insert into messages (id, channel_id, sender_id, content, position, seq, created_at, updated_at)
  select id, $2::uuid, sender_id, content, n, n, created_at, created_at from (${messageDrafts}) drafts`

const standing = 'update channels set last_seq = $2::int where id = $1'

/** Fills new channels, each of a portion with as many messages. */
export async function fillMessages(
  client: ClientBase,
  portions: readonly { ids: readonly string[]; count: number }[],
  senderIds: readonly string[],
): Promise<void> {
  await inBulk(client, ['messages'], async () => {
    for (const { ids, count } of portions)
      for (const id of ids) {
        await client.query(insertMessages, [count, id, senderIds])
        await client.query(standing, [id, count])
      }
  })
}

/** How far a member has read the channels: all of the first, and the later a channel the less, but for `unread` at most. */
export async function markRead(
  client: ClientBase,
  channelIds: readonly string[],
  { workspaceId, userId, unread }: { workspaceId: string; userId: string; unread: number },
): Promise<void> {
  await client.query(insertReads, [channelIds, unread, workspaceId, userId])
}

const insertReads = `
  insert into channel_reads (workspace_id, channel_id, user_id, last_read_seq)
  select $3::uuid, t.id, $4::uuid, greatest(0, last_seq - (n - 1) * $2::int / cardinality($1::uuid[]))
  from unnest($1::uuid[]) with ordinality as t(id, n) join channels using (id)`
