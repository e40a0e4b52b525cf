import { sql } from 'drizzle-orm'
import type { Queries } from '../../../db/database.js'
import { channelReads, channels } from '../../../db/schema/chat.js'

/**
 * What was said in the public channels before somebody could see them does not count as unread. In the
 * order of their ids, in which messages lock channels too, so that the two cannot wait for each other.
 */
export async function markPublicChannelsRead(
  tx: Queries,
  { workspaceId, userId }: { workspaceId: string; userId: string },
): Promise<void> {
  await tx.execute(sql`
    insert into ${channelReads} (workspace_id, channel_id, user_id, last_read_seq)
    select workspace_id, id, ${userId}::uuid, last_seq from ${channels}
    where workspace_id = ${workspaceId} and type = 'public' and deleted_at is null
    order by id
    on conflict do nothing`)
}
