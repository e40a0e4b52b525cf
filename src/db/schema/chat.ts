import { sql } from 'drizzle-orm'
import {
  type AnyPgColumn,
  boolean,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgEnum,
  pgTable,
  primaryKey,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import { id, instant, searchIndex, searchVector, seq } from '../columns.js'
import { ofMember, users, workspaces } from './people.js'
import { ofTask, projects } from './work.js'

export const channelType = pgEnum('channel_type', ['public', 'private'])
export const channelRole = pgEnum('channel_role', ['member', 'admin'])

export const channels = pgTable(
  'channels',
  {
    id: id(),
    workspaceId: uuid()
      .notNull()
      .references(() => workspaces.id, { onDelete: 'cascade' }),
    projectId: uuid(),
    name: text().notNull(),
    description: text().notNull().default(''),
    type: channelType().notNull(),
    createdBy: uuid()
      .notNull()
      .references(() => users.id),
    lastSeq: seq().notNull().default(0),
    createdAt: instant().notNull().default(sql`now()`),
    updatedAt: instant().notNull().default(sql`now()`),
    deletedAt: instant(),
  },
  t => [
    unique().on(t.workspaceId, t.id),
    uniqueIndex('channels_name').on(t.workspaceId, sql`lower(${t.name})`).where(sql`${t.deletedAt} is null`),
    foreignKey({
      columns: [t.workspaceId, t.projectId],
      foreignColumns: [projects.workspaceId, projects.id],
    }),
  ],
)

/** The foreign key of what belongs to a channel of the same workspace, and goes with it. */
export const ofChannel = (workspaceId: AnyPgColumn, channelId: AnyPgColumn) =>
  foreignKey({
    columns: [workspaceId, channelId],
    foreignColumns: [channels.workspaceId, channels.id],
  }).onDelete('cascade')

export const channelMembers = pgTable(
  'channel_members',
  {
    workspaceId: uuid().notNull(),
    channelId: uuid().notNull(),
    userId: uuid().notNull(),
    role: channelRole().notNull().default('member'),
    joinedAt: instant().notNull().default(sql`now()`),
  },
  t => [
    primaryKey({ columns: [t.channelId, t.userId] }),
    index().on(t.workspaceId, t.userId),
    ofChannel(t.workspaceId, t.channelId),
    ofMember(t.workspaceId, t.userId),
  ],
)

/** How far somebody has read a channel. Its own table: a public channel is read without being a member of it. */
export const channelReads = pgTable(
  'channel_reads',
  {
    workspaceId: uuid().notNull(),
    channelId: uuid().notNull(),
    userId: uuid().notNull(),
    lastReadSeq: seq().notNull(),
    updatedAt: instant().notNull().default(sql`now()`),
  },
  t => [
    primaryKey({ columns: [t.channelId, t.userId] }),
    index().on(t.workspaceId, t.userId),
    ofChannel(t.workspaceId, t.channelId),
    ofMember(t.workspaceId, t.userId),
  ],
)

export const messages = pgTable(
  'messages',
  {
    /** Chosen by the sender: a retried send finds the first one. */
    id: uuid().primaryKey(),
    channelId: uuid()
      .notNull()
      .references(() => channels.id, { onDelete: 'cascade' }),
    senderId: uuid()
      .notNull()
      .references(() => users.id),
    parentId: uuid(),
    content: text().notNull(),
    mentions: uuid().array().notNull().default(sql`'{}'`),
    /** As told to clients, so that a page reads no other table; kept with `message_reactions`, the truth. */
    reactions: jsonb().$type<{ emoji: string; count: number; userIds: string[] }[]>().notNull().default([]),
    /** As told to clients: the tasks whose keys the text names; kept with `message_task_links`. Keys never change. */
    tasks: jsonb().$type<{ taskId: string; key: string }[]>().notNull().default([]),
    /** Of a thread's first message: how many replies stand, and when the last of them was sent. */
    replyCount: integer().notNull().default(0),
    lastReplyAt: instant(),
    /** The channel's sequence when the message was sent: its place in the history, for ever. */
    position: seq().notNull(),
    /** The channel's sequence at the message's latest change. */
    seq: seq().notNull(),
    createdAt: instant().notNull().default(sql`now()`),
    updatedAt: instant().notNull().default(sql`now()`),
    editedAt: instant(),
    deletedAt: instant(),
    search: searchVector().generatedAlwaysAs(sql`to_tsvector('simple', content)`),
  },
  t => [
    unique().on(t.channelId, t.position),
    unique().on(t.channelId, t.seq),
    unique().on(t.channelId, t.id),
    foreignKey({ columns: [t.channelId, t.parentId], foreignColumns: [t.channelId, t.id] }),
    check('messages_reply_count', sql`${t.replyCount} >= 0`),
    index('messages_by_time').on(t.channelId, t.createdAt, t.position),
    index('messages_by_parent').on(t.parentId, t.position).where(sql`${t.parentId} is not null`),
    searchIndex('messages_search', t.search),
  ],
)

/** The foreign key of what belongs to the message at a place of a channel, and goes with it. */
const ofMessage = (channelId: AnyPgColumn, position: AnyPgColumn) =>
  foreignKey({
    columns: [channelId, position],
    foreignColumns: [messages.channelId, messages.position],
  }).onDelete('cascade')

/** Who is mentioned where: counts a member's unread mentions without reading the messages. */
export const messageMentions = pgTable(
  'message_mentions',
  {
    channelId: uuid().notNull(),
    userId: uuid()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    position: seq().notNull(),
    /** Whether the one who is mentioned has been notified, or need not be. */
    isSettled: boolean().notNull().default(false),
  },
  t => [
    primaryKey({ columns: [t.channelId, t.userId, t.position] }),
    index('message_mentions_unsettled').on(t.channelId, t.position).where(sql`not ${t.isSettled}`),
    ofMessage(t.channelId, t.position),
  ],
)

/** Replies of which those who wrote in the thread have not been notified yet. */
export const untoldReplies = pgTable(
  'untold_replies',
  { channelId: uuid().notNull(), position: seq().notNull() },
  t => [primaryKey({ columns: [t.channelId, t.position] }), ofMessage(t.channelId, t.position)],
)

/**
 * Which messages name which tasks: the keys in a text, resolved when it was written. `sentAt` is the
 * message's own time, so that the messages of a task are read in its order from one index.
 */
export const messageTaskLinks = pgTable(
  'message_task_links',
  {
    workspaceId: uuid().notNull(),
    channelId: uuid().notNull(),
    messageId: uuid().notNull(),
    taskId: uuid().notNull(),
    sentAt: instant().notNull(),
  },
  t => [
    primaryKey({ columns: [t.channelId, t.messageId, t.taskId] }),
    index('message_task_links_by_task').on(t.taskId, t.sentAt, t.messageId),
    foreignKey({
      columns: [t.channelId, t.messageId],
      foreignColumns: [messages.channelId, messages.id],
    }).onDelete('cascade'),
    ofChannel(t.workspaceId, t.channelId),
    ofTask(t.workspaceId, t.taskId),
  ],
)

export const messageReactions = pgTable(
  'message_reactions',
  {
    messageId: uuid()
      .notNull()
      .references(() => messages.id, { onDelete: 'cascade' }),
    emoji: text().notNull(),
    userId: uuid()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    createdAt: instant().notNull().default(sql`now()`),
  },
  t => [primaryKey({ columns: [t.messageId, t.emoji, t.userId] })],
)
