import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, asc, desc, eq, sql } from 'drizzle-orm'
import type { z } from 'zod'
import { byTime } from '../../db/by-time.js'
import {
  Database,
  isForeignKeyViolation,
  isUniqueViolation,
  type Queries,
  violatedConstraint,
} from '../../db/database.js'
import { personColumns } from '../../db/person-columns.js'
import { channelMembers, channelReads, channels } from '../../db/schema/chat.js'
import { users, workspaceMembers } from '../../db/schema/people.js'
import { refuse } from '../../errors.js'
import { type Page, type PageQuery, toPage } from '../../pagination.js'
import { nextActivitySeq, recordActivity } from '../activity/record-activity.js'
import type { channelMember } from './channels.contract.js'
import { lockChannel } from './lock-channel.js'

type ChannelMember = z.infer<typeof channelMember>
interface Place {
  id: string
  workspaceId: string
}

const memberRow = {
  user: personColumns,
  channelRole: channelMembers.role,
  role: workspaceMembers.role,
  joinedAt: channelMembers.joinedAt,
}

@Repository()
export class ChannelMembersRepository {
  @Autowired(Database) private db!: Database

  /** The members of a channel in the order they came. */
  async forChannel(channelId: string, query: PageQuery): Promise<Page<ChannelMember>> {
    const page = byTime('channel-members', channelMembers.joinedAt, channelMembers.userId, query)
    const rows = await this.select(channelId, page.beyond)
      .orderBy(...page.order)
      .limit(query.limit + 1)
    return toPage(rows, query.limit, last => page.cursorAt(last.joinedAt, last.user.id))
  }

  async byId(channelId: string, userId: string): Promise<ChannelMember | undefined> {
    const [found] = await this.select(channelId, eq(channelMembers.userId, userId))
    return found
  }

  /** What was said before he came does not count as unread. */
  async add(actorId: string, { id: channelId, workspaceId }: Place, userId: string): Promise<void> {
    try {
      await this.db.write(async tx => {
        const activity = await nextActivitySeq(tx, workspaceId)
        await lockChannel(tx, channelId)
        await tx.insert(channelMembers).values({ workspaceId, channelId, userId })
        const lastReadSeq = sql`(select ${channels.lastSeq} from ${channels} where ${channels.id} = ${channelId})`
        await tx
          .insert(channelReads)
          .values({ workspaceId, channelId, userId, lastReadSeq })
          .onConflictDoNothing()
        await recordActivity(tx, activity, {
          workspaceId,
          actorId,
          type: 'channel.member_added',
          channelId,
          after: { userId },
        })
      })
    } catch (error) {
      if (isUniqueViolation(error)) throw refuse('ALREADY_MEMBER')
      const isForeign = isForeignKeyViolation(error) && violatedConstraint(error)?.includes('user_id')
      if (isForeign) throw refuse('NOT_WORKSPACE_MEMBER')
      throw error
    }
  }

  /**
   * A private channel keeps somebody in it: its last member cannot go, and when its last admin goes,
   * the member who has been there longest becomes one.
   */
  remove(actorId: string, { id: channelId, workspaceId }: Place, userId: string): Promise<void> {
    return this.db.write(async tx => {
      const activity = await nextActivitySeq(tx, workspaceId)
      const { type } = await lockChannel(tx, channelId)
      const removed = await tx
        .delete(channelMembers)
        .where(and(eq(channelMembers.channelId, channelId), eq(channelMembers.userId, userId)))
        .returning({ userId: channelMembers.userId })
      if (!removed.length) throw refuse('MEMBER_NOT_FOUND')
      if (type === 'private') await keepAnAdmin(tx, channelId)
      await recordActivity(tx, activity, {
        workspaceId,
        actorId,
        type: 'channel.member_removed',
        channelId,
        before: { userId },
      })
    })
  }

  private select(channelId: string, condition: ReturnType<typeof and>) {
    return this.db.query
      .select(memberRow)
      .from(channelMembers)
      .innerJoin(users, eq(users.id, channelMembers.userId))
      .innerJoin(
        workspaceMembers,
        and(
          eq(workspaceMembers.workspaceId, channelMembers.workspaceId),
          eq(workspaceMembers.userId, channelMembers.userId),
        ),
      )
      .where(and(eq(channelMembers.channelId, channelId), condition))
      .$dynamic()
  }
}

async function keepAnAdmin(tx: Queries, channelId: string) {
  const [first] = await tx
    .select({ userId: channelMembers.userId, role: channelMembers.role })
    .from(channelMembers)
    .where(eq(channelMembers.channelId, channelId))
    .orderBy(desc(channelMembers.role), asc(channelMembers.joinedAt), asc(channelMembers.userId))
    .limit(1)
  if (!first) throw refuse('LAST_CHANNEL_MEMBER')
  if (first.role === 'admin') return
  await tx
    .update(channelMembers)
    .set({ role: 'admin' })
    .where(and(eq(channelMembers.channelId, channelId), eq(channelMembers.userId, first.userId)))
}
