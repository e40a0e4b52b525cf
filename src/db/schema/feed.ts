import { sql } from 'drizzle-orm'
import { index, jsonb, pgTable, primaryKey, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import { id, instant, seq } from '../columns.js'
import { users, workspaces } from './people.js'

/** Who did what, before and after. Append-only, written in the transaction of the change itself. */
export const activities = pgTable(
  'activities',
  {
    workspaceId: uuid()
      .notNull()
      .references(() => workspaces.id, { onDelete: 'cascade' }),
    seq: seq().notNull(),
    id: uuid().notNull(),
    /** Empty when the system itself acted. */
    actorId: uuid().references(() => users.id),
    type: text().notNull(),
    projectId: uuid(),
    taskId: uuid(),
    channelId: uuid(),
    before: jsonb(),
    after: jsonb(),
    createdAt: instant().notNull().default(sql`now()`),
  },
  t => [
    primaryKey({ columns: [t.workspaceId, t.seq] }),
    uniqueIndex().on(t.id),
    index('activities_by_project').on(t.projectId, t.seq).where(sql`${t.projectId} is not null`),
    index('activities_by_task').on(t.taskId, t.seq).where(sql`${t.taskId} is not null`),
  ],
)

export const notifications = pgTable(
  'notifications',
  {
    id: id(),
    userId: uuid()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    workspaceId: uuid()
      .notNull()
      .references(() => workspaces.id, { onDelete: 'cascade' }),
    type: text().notNull(),
    actorId: uuid().references(() => users.id),
    taskId: uuid(),
    channelId: uuid(),
    messageId: uuid(),
    data: jsonb(),
    /** What it is about, once: telling a second time is a conflict, not a second notification. */
    dedupeKey: text().notNull(),
    createdAt: instant().notNull().default(sql`now()`),
    readAt: instant(),
  },
  t => [
    uniqueIndex().on(t.userId, t.dedupeKey),
    index('notifications_by_user').on(t.userId, t.id),
    index('notifications_unread').on(t.userId).where(sql`${t.readAt} is null`),
  ],
)
