import { and, eq, isNull } from 'drizzle-orm'
import type { Queries } from '../../db/database.js'
import { channels } from '../../db/schema/chat.js'
import { refuse } from '../../errors.js'

/**
 * Holds a channel's row until the commit, so that its changes come one after another. After the
 * workspace's row, where a write needs both.
 * @throws CHANNEL_NOT_FOUND when it is deleted
 */
export async function lockChannel(tx: Queries, channelId: string) {
  const [channel] = await tx
    .select({ name: channels.name, description: channels.description, type: channels.type })
    .from(channels)
    .where(and(eq(channels.id, channelId), isNull(channels.deletedAt)))
    .for('no key update')
  if (!channel) throw refuse('CHANNEL_NOT_FOUND')
  return channel
}
