import { sql } from 'drizzle-orm'
import {
  type AnyPgColumn,
  boolean,
  check,
  foreignKey,
  index,
  integer,
  pgEnum,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import { id, instant, seq } from '../columns.js'

export const users = pgTable(
  'users',
  {
    id: id(),
    email: text().notNull(),
    username: text().notNull(),
    firstName: text().notNull(),
    lastName: text().notNull(),
    avatarUrl: text(),
    timeZone: text().notNull().default('UTC'),
    passwordHash: text().notNull(),
    createdAt: instant().notNull().default(sql`now()`),
    updatedAt: instant().notNull().default(sql`now()`),
    disabledAt: instant(),
    /** Runs the server: may look at every connection, and shut users out. */
    isOperator: boolean().notNull().default(false),
  },
  t => [
    uniqueIndex().on(t.email),
    uniqueIndex().on(t.username),
    check('users_email_lower', sql`${t.email} = lower(${t.email})`),
  ],
)

/** One sign-in on one device. Its refresh tokens are a family: revoking the session revokes them all. */
export const sessions = pgTable(
  'sessions',
  {
    id: id(),
    userId: uuid()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    userAgent: text(),
    ip: text(),
    createdAt: instant().notNull().default(sql`now()`),
    lastUsedAt: instant().notNull().default(sql`now()`),
    expiresAt: instant().notNull(),
    revokedAt: instant(),
    revokedReason: text(),
  },
  t => [index().on(t.userId, t.id), index().on(t.expiresAt)],
)

export const refreshTokens = pgTable(
  'refresh_tokens',
  {
    tokenHash: text().primaryKey(),
    sessionId: uuid()
      .notNull()
      .references(() => sessions.id, { onDelete: 'cascade' }),
    createdAt: instant().notNull().default(sql`now()`),
    expiresAt: instant().notNull(),
    usedAt: instant(),
  },
  t => [index().on(t.sessionId), index().on(t.expiresAt)],
)

export const passwordResets = pgTable(
  'password_resets',
  {
    tokenHash: text().primaryKey(),
    userId: uuid()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    createdAt: instant().notNull().default(sql`now()`),
    expiresAt: instant().notNull(),
    usedAt: instant(),
  },
  t => [index().on(t.userId), index().on(t.expiresAt)],
)

/** Opens one stream for one session, again and again while it is used every few minutes. */
export const streamTickets = pgTable(
  'stream_tickets',
  {
    tokenHash: text().primaryKey(),
    sessionId: uuid()
      .notNull()
      .references(() => sessions.id, { onDelete: 'cascade' }),
    path: text().notNull(),
    expiresAt: instant().notNull(),
  },
  t => [index().on(t.sessionId), index().on(t.expiresAt)],
)

/** What a retried POST replays. `owner` is the user, or the address of an anonymous caller. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    owner: text().notNull(),
    key: text().notNull(),
    requestHash: text().notNull(),
    /** Set in the transaction of the write itself: from then on the request must not run again. */
    committed: boolean().notNull().default(false),
    status: integer(),
    /** The answer, encrypted with a key that only the same request can derive. */
    answer: text(),
    lockedUntil: instant().notNull(),
    expiresAt: instant().notNull(),
  },
  t => [primaryKey({ columns: [t.owner, t.key] }), index().on(t.expiresAt)],
)

export const workspaceRole = pgEnum('workspace_role', ['guest', 'member', 'admin', 'owner'])

export const workspaces = pgTable(
  'workspaces',
  {
    id: id(),
    name: text().notNull(),
    slug: text().notNull(),
    /** The sequence of the workspace's activity. */
    lastSeq: seq().notNull().default(0),
    createdAt: instant().notNull().default(sql`now()`),
    updatedAt: instant().notNull().default(sql`now()`),
    deletedAt: instant(),
  },
  t => [uniqueIndex().on(t.slug).where(sql`${t.deletedAt} is null`)],
)

export const workspaceMembers = pgTable(
  'workspace_members',
  {
    workspaceId: uuid()
      .notNull()
      .references(() => workspaces.id, { onDelete: 'cascade' }),
    userId: uuid()
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    role: workspaceRole().notNull(),
    joinedAt: instant().notNull().default(sql`now()`),
  },
  t => [
    primaryKey({ columns: [t.workspaceId, t.userId] }),
    index().on(t.userId, t.workspaceId),
    index().on(t.workspaceId, t.joinedAt, t.userId),
  ],
)

/** The foreign key of what belongs to a member of a workspace, and goes with his membership. */
export const ofMember = (workspaceId: AnyPgColumn, userId: AnyPgColumn) =>
  foreignKey({
    columns: [workspaceId, userId],
    foreignColumns: [workspaceMembers.workspaceId, workspaceMembers.userId],
  }).onDelete('cascade')

export const invitations = pgTable(
  'invitations',
  {
    id: id(),
    workspaceId: uuid()
      .notNull()
      .references(() => workspaces.id, { onDelete: 'cascade' }),
    email: text().notNull(),
    role: workspaceRole().notNull(),
    tokenHash: text().notNull(),
    invitedBy: uuid()
      .notNull()
      .references(() => users.id),
    createdAt: instant().notNull().default(sql`now()`),
    expiresAt: instant().notNull(),
    acceptedAt: instant(),
    revokedAt: instant(),
  },
  t => [
    uniqueIndex().on(t.tokenHash),
    index().on(t.workspaceId, t.id),
    check('invitations_email_lower', sql`${t.email} = lower(${t.email})`),
  ],
)
