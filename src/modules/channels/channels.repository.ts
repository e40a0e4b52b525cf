import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, asc, eq, gt, sql } from 'drizzle-orm'
import { v7 } from 'uuid'
import { z } from 'zod'
import { seesChannel, workspaceIsOpen } from '../../access/visibility.js'
import { decodeCursor, encodeCursor } from '../../cursor.js'
import { Database, type Queries, violatedConstraint } from '../../db/database.js'
import { channelMembers, channelReads, channels } from '../../db/schema/chat.js'
import { workspaceMembers, workspaces } from '../../db/schema/people.js'
import { refuse } from '../../errors.js'
import { uuid } from '../../fields.contract.js'
import { type Page, type PageQuery, toPage } from '../../pagination.js'
import { changedFields } from '../activity/changed-fields.js'
import { lockWorkspace, nextActivitySeq, recordActivity } from '../activity/record-activity.js'
import type { Channel, createChannel, updateChannel } from './channels.contract.js'
import { lockChannel } from './lock-channel.js'
import { requireLinkable } from './project-links.js'
import { mentionCount, unreadCount } from './unread-count.js'

type NewChannel = z.output<typeof createChannel.body> & { workspaceId: string }
type Changes = z.output<typeof updateChannel.body>
interface Place {
  id: string
  workspaceId: string
}

const channelRow = {
  id: channels.id,
  workspaceId: channels.workspaceId,
  projectId: channels.projectId,
  name: channels.name,
  description: channels.description,
  type: channels.type,
  createdBy: channels.createdBy,
  channelRole: channelMembers.role,
  lastSeq: channels.lastSeq,
  lastReadSeq: sql<number>`coalesce(${channelReads.lastReadSeq}, 0)`,
  unread: unreadCount,
  mentions: mentionCount,
  createdAt: channels.createdAt,
  updatedAt: channels.updatedAt,
}

@Repository()
export class ChannelsRepository {
  @Autowired(Database) private db!: Database

  /** A channel as this reader sees it; undefined where he does not. */
  async byId(readerId: string, channelId: string): Promise<Channel | undefined> {
    const [found] = await this.visibleTo(readerId, eq(channels.id, channelId)).limit(1)
    return found
  }

  /** The channels of a workspace that this reader sees, the oldest first. */
  async forWorkspace(readerId: string, workspaceId: string, query: PageQuery): Promise<Page<Channel>> {
    const after = query.cursor ? decodeCursor('channels', z.tuple([uuid]), query.cursor) : undefined
    const inPage = and(eq(channels.workspaceId, workspaceId), after ? gt(channels.id, after[0]) : undefined)
    const rows = await this.visibleTo(readerId, inPage)
      .orderBy(asc(channels.id))
      .limit(query.limit + 1)
    return toPage(rows, query.limit, last => encodeCursor('channels', [last.id]))
  }

  /** @throws PROJECT_NOT_FOUND where the project was deleted meanwhile */
  create(creatorId: string, { workspaceId, ...given }: NewChannel): Promise<string> {
    const id = v7()
    return this.named(async tx => {
      const activity = await nextActivitySeq(tx, workspaceId)
      const values = { ...given, projectId: given.projectId ?? null }
      if (values.projectId !== null) await requireLinkable(tx, values.projectId)
      await tx.insert(channels).values({ id, workspaceId, createdBy: creatorId, ...values })
      await tx.insert(channelMembers).values({ workspaceId, channelId: id, userId: creatorId, role: 'admin' })
      await recordActivity(tx, activity, {
        workspaceId,
        actorId: creatorId,
        type: 'channel.created',
        channelId: id,
        after: values,
      })
      return id
    })
  }

  /**
   * Whoever makes a channel private becomes its admin, so that there is always somebody to manage it.
   * @returns whether anything changed
   */
  update(actorId: string, { id, workspaceId }: Place, wanted: Changes): Promise<boolean> {
    return this.named(async tx => {
      await lockWorkspace(tx, workspaceId)
      const changed = changedFields(await lockChannel(tx, id), wanted)
      if (!changed) return false
      const activity = await nextActivitySeq(tx, workspaceId)
      await tx
        .update(channels)
        .set({ ...changed.after, updatedAt: sql`now()` })
        .where(eq(channels.id, id))
      if (changed.after.type === 'private') {
        await tx
          .insert(channelMembers)
          .values({ workspaceId, channelId: id, userId: actorId, role: 'admin' })
          .onConflictDoUpdate({
            target: [channelMembers.channelId, channelMembers.userId],
            set: { role: 'admin' },
          })
      }
      await recordActivity(tx, activity, {
        workspaceId,
        actorId,
        type: 'channel.updated',
        channelId: id,
        ...changed,
      })
      return true
    })
  }

  softDelete(actorId: string, { id, workspaceId }: Place): Promise<void> {
    return this.db.write(async tx => {
      const activity = await nextActivitySeq(tx, workspaceId)
      await lockChannel(tx, id)
      await tx
        .update(channels)
        .set({ deletedAt: sql`now()`, updatedAt: sql`now()` })
        .where(eq(channels.id, id))
      await recordActivity(tx, activity, { workspaceId, actorId, type: 'channel.deleted', channelId: id })
    })
  }

  private visibleTo(readerId: string, condition: ReturnType<typeof and>) {
    return this.db.query
      .select(channelRow)
      .from(channels)
      .innerJoin(workspaces, eq(workspaces.id, channels.workspaceId))
      .innerJoin(
        workspaceMembers,
        and(eq(workspaceMembers.workspaceId, workspaces.id), eq(workspaceMembers.userId, readerId)),
      )
      .leftJoin(
        channelMembers,
        and(eq(channelMembers.channelId, channels.id), eq(channelMembers.userId, readerId)),
      )
      .leftJoin(channelReads, and(eq(channelReads.channelId, channels.id), eq(channelReads.userId, readerId)))
      .where(and(condition, workspaceIsOpen, seesChannel))
      .$dynamic()
  }

  private async named<T>(work: (tx: Queries) => Promise<T>): Promise<T> {
    try {
      return await this.db.write(work)
    } catch (error) {
      if (violatedConstraint(error) === 'channels_name') throw refuse('CHANNEL_NAME_TAKEN')
      throw error
    }
  }
}
