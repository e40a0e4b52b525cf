import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, asc, desc, eq, gt, gte, inArray, isNotNull, isNull, lt, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Asker } from '../../access/asker.js'
import { seesNotification, workspaceIsOpen } from '../../access/visibility.js'
import { decodeCursor, encodeCursor } from '../../cursor.js'
import { Database } from '../../db/database.js'
import { channels } from '../../db/schema/chat.js'
import { notificationSequences, notifications } from '../../db/schema/feed.js'
import { users, workspaceMembers, workspaces } from '../../db/schema/people.js'
import { projects, tasks } from '../../db/schema/work.js'
import { seq } from '../../fields.contract.js'
import { type Page, toPage } from '../../pagination.js'
import type { Changes } from '../../realtime/changes.contract.js'
import { changesSince } from '../../realtime/changes.js'
import { notificationRow } from './notification-row.js'
import { type listNotifications, type Notification, UNREAD_CAP } from './notifications.contract.js'

type ListQuery = z.output<typeof listNotifications.query>

/** A user, and how far his sequence has come. */
interface Standing {
  id: string
  lastSeq: number
}

interface Span {
  userId: string
  from: string
  to: string
}

const isHis = and(
  eq(workspaceMembers.workspaceId, notifications.workspaceId),
  eq(workspaceMembers.userId, notifications.userId),
)

/** Reads notifications, and marks them read; those in `derive` are the ones that make them. */
@Repository()
export class NotificationsRepository {
  @Autowired(Database) private db!: Database

  /** The latest first. */
  async forUser({ id: userId }: Asker, { limit, cursor, unread }: ListQuery): Promise<Page<Notification>> {
    const name = `notifications ${unread ?? ''}`
    const last = cursor === undefined ? undefined : decodeCursor(name, z.tuple([seq]), cursor)
    const kind = { true: isNull(notifications.readAt), false: isNotNull(notifications.readAt) }
    const wanted = [unread && kind[unread], last && lt(notifications.seq, last[0])]
    const rows = await this.seen(and(eq(notifications.userId, userId), ...wanted))
      .orderBy(desc(notifications.seq))
      .limit(limit + 1)
    return toPage(rows, limit, notification => encodeCursor(name, [notification.seq]))
  }

  async byId(notificationId: string): Promise<Notification | undefined> {
    const [found] = await this.seen(eq(notifications.id, notificationId))
    return found
  }

  /** At most `UNREAD_CAP`. */
  async countUnread({ id: userId }: Asker): Promise<number> {
    const unread = this.seen(and(eq(notifications.userId, userId), isNull(notifications.readAt)))
      .limit(UNREAD_CAP)
      .as('unread')
    const [found] = await this.db.query.select({ count: sql<number>`count(*)` }).from(unread)
    return found?.count ?? 0
  }

  /** What came to a user from one moment until another (ISO 8601), the first ones. */
  unreadBetween({ userId, from, to }: Span, limit: number): Promise<Notification[]> {
    const isWithin = and(gte(notifications.createdAt, from), lt(notifications.createdAt, to))
    return this.seen(and(eq(notifications.userId, userId), isWithin, isNull(notifications.readAt)))
      .orderBy(asc(notifications.seq))
      .limit(limit)
  }

  /** Reading twice leaves the time of the first. */
  async markRead(notificationId: string): Promise<void> {
    await this.db.write(async tx => {
      await tx
        .update(notifications)
        .set({ readAt: sql`now()` })
        .where(and(eq(notifications.id, notificationId), isNull(notifications.readAt)))
    })
  }

  async markAllRead({ id: userId }: Asker): Promise<void> {
    await this.db.write(async tx => {
      await tx
        .update(notifications)
        .set({ readAt: sql`now()` })
        .where(and(eq(notifications.userId, userId), isNull(notifications.readAt)))
    })
  }

  /** Where each of some users stands; one who never got any has no row. */
  standings(userIds: readonly string[]): Promise<Standing[]> {
    const { userId: id, lastSeq } = notificationSequences
    return this.db.query
      .select({ id, lastSeq })
      .from(notificationSequences)
      .where(inArray(id, [...userIds]))
  }

  /** What a user missed since; where he stands was read before, so that it is never ahead of the rows. */
  changes({ id: userId, lastSeq }: Standing, since: number): Promise<Changes<Notification>> {
    return changesSince(since, lastSeq, {
      rows: limit => this.since(userId, since, limit),
      sizes: limit => this.sizes(userId, since, limit),
    })
  }

  /** The first ones since. */
  since(userId: string, since: number, limit: number): Promise<Notification[]> {
    return this.seen(and(eq(notifications.userId, userId), gt(notifications.seq, since)))
      .orderBy(asc(notifications.seq))
      .limit(limit)
  }

  /** Of all of them, seen or not: so it is known soon that there are too many. */
  private async sizes(userId: string, since: number, limit: number): Promise<number[]> {
    const rows = await this.db.query
      .select({ bytes: sql<number>`octet_length(${notifications.data}::text)` })
      .from(notifications)
      .where(and(eq(notifications.userId, userId), gt(notifications.seq, since)))
      .orderBy(asc(notifications.seq))
      .limit(limit)
    return rows.map(({ bytes }) => bytes)
  }

  /** Those about what their users still see. */
  private seen(condition: SQL | undefined) {
    return this.db.query
      .select(notificationRow)
      .from(notifications)
      .innerJoin(workspaces, eq(workspaces.id, notifications.workspaceId))
      .leftJoin(workspaceMembers, isHis)
      .leftJoin(tasks, eq(tasks.id, notifications.taskId))
      .leftJoin(projects, eq(projects.id, tasks.projectId))
      .leftJoin(channels, eq(channels.id, notifications.channelId))
      .leftJoin(users, eq(users.id, notifications.actorId))
      .where(and(condition, workspaceIsOpen, seesNotification))
      .$dynamic()
  }
}
