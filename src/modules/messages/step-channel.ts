import { eq, sql } from 'drizzle-orm'
import type { Queries } from '../../db/database.js'
import { channels } from '../../db/schema/chat.js'
import { refuse } from '../../errors.js'

/** Takes the channel's next sequence number, and holds its row until the commit: changes of a channel are in order. */
export async function stepChannel(tx: Queries, channelId: string): Promise<number> {
  const [channel] = await tx
    .update(channels)
    .set({ lastSeq: sql`${channels.lastSeq} + 1` })
    .where(eq(channels.id, channelId))
    .returning({ seq: channels.lastSeq })
  if (!channel) throw refuse('CHANNEL_NOT_FOUND')
  return channel.seq
}
