import { sql } from 'drizzle-orm'
import {
  boolean,
  index,
  integer,
  jsonb,
  pgEnum,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import { id, instant, seq } from '../columns.js'
import { ofChannel } from './chat.js'
import { ofMember, users, workspaces } from './people.js'

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
    /** Of the user's notifications: grows by one with each, in the transaction that makes it. */
    seq: seq().notNull(),
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
    uniqueIndex('notifications_by_user').on(t.userId, t.seq),
    index('notifications_unread').on(t.userId, t.seq).where(sql`${t.readAt} is null`),
  ],
)

/** Where each user's notifications stand. */
export const notificationSequences = pgTable('notification_sequences', {
  userId: uuid()
    .primaryKey()
    .references(() => users.id, { onDelete: 'cascade' }),
  lastSeq: seq().notNull().default(0),
})

/** How far the activity of a workspace has been turned into notifications. */
export const notificationProgress = pgTable('notification_progress', {
  workspaceId: uuid()
    .primaryKey()
    .references(() => workspaces.id, { onDelete: 'cascade' }),
  seq: seq().notNull().default(0),
})

/** What somebody wants to be told of, and how; who has no row wants what the columns' defaults say. */
export const notificationSettings = pgTable('notification_settings', {
  userId: uuid()
    .primaryKey()
    .references(() => users.id, { onDelete: 'cascade' }),
  email: boolean().notNull().default(true),
  digest: boolean().notNull().default(false),
  mutedTypes: text().array().notNull().default(sql`'{}'`),
  digestSentAt: instant(),
  updatedAt: instant().notNull().default(sql`now()`),
})

export const channelNotificationLevel = pgEnum('channel_notification_level', ['all', 'mentions', 'none'])

/** Of which messages of a channel somebody wants to be told. */
export const channelNotificationSettings = pgTable(
  'channel_notification_settings',
  {
    workspaceId: uuid().notNull(),
    channelId: uuid().notNull(),
    userId: uuid().notNull(),
    level: channelNotificationLevel().notNull(),
    /** With `all`: the channel's sequence up to which he has been told. */
    toldSeq: seq().notNull().default(0),
  },
  t => [
    primaryKey({ columns: [t.channelId, t.userId] }),
    index('channel_notification_settings_all').on(t.channelId).where(sql`${t.level} = 'all'`),
    ofChannel(t.workspaceId, t.channelId),
    ofMember(t.workspaceId, t.userId),
  ],
)

/** Mails on their way: stored with what they tell of, sent afterwards. */
export const mails = pgTable(
  'mails',
  {
    id: id(),
    userId: uuid().references(() => users.id, { onDelete: 'cascade' }),
    recipient: text().notNull(),
    subject: text().notNull(),
    body: text().notNull(),
    createdAt: instant().notNull().default(sql`now()`),
    /** When it is to be tried, for the first time or again. */
    dueAt: instant().notNull().default(sql`now()`),
    attempts: integer().notNull().default(0),
    sentAt: instant(),
  },
  t => [index('mails_due').on(t.dueAt).where(sql`${t.sentAt} is null`)],
)
