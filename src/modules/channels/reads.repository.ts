import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, eq, sql } from 'drizzle-orm'
import { Database, isForeignKeyViolation } from '../../db/database.js'
import { channelReads, channels } from '../../db/schema/chat.js'
import { workspaceMembers } from '../../db/schema/people.js'
import { refuse } from '../../errors.js'
import type { Unread } from './channels.contract.js'
import { mentionCount, unreadCount } from './unread-count.js'

interface Place {
  id: string
  workspaceId: string
}

@Repository()
export class ReadsRepository {
  @Autowired(Database) private db!: Database

  /** Moves the read mark forward; two devices that race leave it where the further one put it. */
  async mark(userId: string, { id: channelId, workspaceId }: Place, seq: number): Promise<void> {
    const marking = this.db.write(async tx => {
      await tx
        .insert(channelReads)
        .values({ workspaceId, channelId, userId, lastReadSeq: seq })
        .onConflictDoUpdate({
          target: [channelReads.channelId, channelReads.userId],
          set: {
            lastReadSeq: sql`greatest(${channelReads.lastReadSeq}, excluded.last_read_seq)`,
            updatedAt: sql`now()`,
          },
        })
    })
    try {
      await marking
    } catch (error) {
      // He was removed meanwhile.
      throw isForeignKeyViolation(error) ? refuse('CHANNEL_NOT_FOUND') : error
    }
  }

  /** What a member of the workspace has not read in a channel. */
  async unread(userId: string, { id: channelId, workspaceId }: Place): Promise<Unread> {
    const [found] = await this.db.query
      .select({
        channelId: channels.id,
        unread: unreadCount,
        mentions: mentionCount,
        lastSeq: channels.lastSeq,
        lastReadSeq: sql<number>`coalesce(${channelReads.lastReadSeq}, 0)`,
      })
      .from(channels)
      .innerJoin(
        workspaceMembers,
        and(eq(workspaceMembers.workspaceId, workspaceId), eq(workspaceMembers.userId, userId)),
      )
      .leftJoin(channelReads, and(eq(channelReads.channelId, channels.id), eq(channelReads.userId, userId)))
      .where(eq(channels.id, channelId))
    if (!found) throw refuse('CHANNEL_NOT_FOUND')
    return found
  }
}
