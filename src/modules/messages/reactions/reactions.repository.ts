import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, countDistinct, eq, sql } from 'drizzle-orm'
import { Database, type Queries } from '../../../db/database.js'
import { messageReactions, messages } from '../../../db/schema/chat.js'
import { refuse } from '../../../errors.js'
import { lockChannel } from '../../channels/lock-channel.js'
import { oneMessage } from '../message-row.js'
import { type Message, SHOWN_REACTORS } from '../messages.contract.js'
import { stepChannel } from '../step-channel.js'
import { MOST_EMOJIS } from './reactions.contract.js'

interface Reaction {
  channelId: string
  messageId: string
  userId: string
  emoji: string
}

/** The message as it is now, and whether it was another before. */
export interface Outcome {
  message: Message
  changed: boolean
}

/**
 * Who reacted how is in `message_reactions`; what clients are told of it, in the message. Both change
 * under the lock of the channel, in one transaction, and take a number of the channel's sequence.
 */
@Repository()
export class ReactionsRepository {
  @Autowired(Database) private db!: Database

  /** @throws MESSAGE_DELETED, TOO_MANY_REACTIONS */
  add({ channelId, messageId, userId, emoji }: Reaction): Promise<Outcome> {
    return this.db.write(async tx => {
      await lockChannel(tx, channelId)
      const { deletedAt } = await oneMessage(tx, messageId)
      if (deletedAt !== null) throw refuse('MESSAGE_DELETED')
      const added = await tx
        .insert(messageReactions)
        .values({ messageId, emoji, userId, createdAt: sql`clock_timestamp()` })
        .onConflictDoNothing()
        .returning({ emoji: messageReactions.emoji })
      if (added.length > 0) await requireRoom(tx, messageId)
      return outcome(tx, { channelId, messageId }, added.length > 0)
    })
  }

  remove({ channelId, messageId, userId, emoji }: Reaction): Promise<Outcome> {
    return this.db.write(async tx => {
      await lockChannel(tx, channelId)
      const { messageId: ofMessage, userId: by, emoji: as } = messageReactions
      const removed = await tx
        .delete(messageReactions)
        .where(and(eq(ofMessage, messageId), eq(by, userId), eq(as, emoji)))
        .returning({ emoji: as })
      return outcome(tx, { channelId, messageId }, removed.length > 0)
    })
  }
}

async function requireRoom(tx: Queries, messageId: string) {
  const [found] = await tx
    .select({ emojis: countDistinct(messageReactions.emoji) })
    .from(messageReactions)
    .where(eq(messageReactions.messageId, messageId))
  if (found && found.emojis > MOST_EMOJIS) throw refuse('TOO_MANY_REACTIONS')
}

async function outcome(
  tx: Queries,
  { channelId, messageId }: Pick<Reaction, 'channelId' | 'messageId'>,
  changed: boolean,
): Promise<Outcome> {
  if (changed) {
    const seq = await stepChannel(tx, channelId)
    await tx
      .update(messages)
      .set({ seq, reactions: summary(messageId) })
      .where(eq(messages.id, messageId))
  }
  return { message: await oneMessage(tx, messageId), changed }
}

/** The reactions to a message as clients are told of them: emojis and people in the order that they came. */
function summary(messageId: string) {
  return sql`coalesce((
    select jsonb_agg(jsonb_build_object('emoji', emoji, 'count', count, 'userIds', users) order by first, emoji)
    from (
      select emoji, count(*) as count, min(created_at) as first,
        to_jsonb((array_agg(user_id order by created_at, user_id))[1:${sql.raw(String(SHOWN_REACTORS))}]) as users
      from ${messageReactions} where message_id = ${messageId} group by emoji
    ) by_emoji), '[]')`
}
