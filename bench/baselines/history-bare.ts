import { createServer } from 'node:http'
import { PGlite } from '@electric-sql/pglite'
import { and, desc, eq, lt, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { bigint, integer, jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { drizzle as drizzleOverPglite } from 'drizzle-orm/pglite'
import express from 'express'
import pg from 'pg'
import { listen } from './listen.js'

/**
 * A page of history, of Vibed's own tables and with all that Vibed tells: one prepared statement of drizzle, and
 * nobody is asked who he is. With `TIMES=text` moments stay the text that Postgres writes.
 */
const mode = process.env.TIMES === 'text' ? 'string' : 'date'
const moment = (name: string) => timestamp(name, { withTimezone: true, mode })
const users = pgTable('users', {
  id: uuid().primaryKey(),
  firstName: text('first_name').notNull(),
  lastName: text('last_name').notNull(),
})
const messages = pgTable('messages', {
  id: uuid().primaryKey(),
  channelId: uuid('channel_id').notNull(),
  senderId: uuid('sender_id').notNull(),
  content: text().notNull(),
  mentions: uuid().array().notNull(),
  tasks: jsonb().notNull(),
  parentId: uuid('parent_id'),
  reactions: jsonb().notNull(),
  replyCount: integer('reply_count').notNull(),
  lastReplyAt: moment('last_reply_at'),
  editedAt: moment('edited_at'),
  createdAt: moment('created_at').notNull(),
  updatedAt: moment('updated_at').notNull(),
  deletedAt: moment('deleted_at'),
  position: bigint({ mode: 'number' }).notNull(),
  seq: bigint({ mode: 'number' }).notNull(),
})

// PGlite in a folder, where there is no Postgres.
const { DATABASE_URL, DATA_DIR } = process.env
const db =
  DATABASE_URL === undefined
    ? drizzleOverPglite(await PGlite.create(DATA_DIR ?? 'memory://'))
    : drizzle(new pg.Pool({ connectionString: DATABASE_URL }))
const page = db
  .select({
    messageId: messages.id,
    channelId: messages.channelId,
    senderId: messages.senderId,
    senderName: sql<string>`${users.firstName} || ' ' || ${users.lastName}`,
    content: messages.content,
    mentions: messages.mentions,
    tasks: messages.tasks,
    parentId: messages.parentId,
    reactions: messages.reactions,
    replyCount: messages.replyCount,
    lastReplyAt: messages.lastReplyAt,
    isEdited: sql<boolean>`${messages.editedAt} is not null`,
    createdAt: messages.createdAt,
    updatedAt: messages.updatedAt,
    deletedAt: messages.deletedAt,
    position: messages.position,
    seq: messages.seq,
  })
  .from(messages)
  .innerJoin(users, eq(users.id, messages.senderId))
  .where(
    and(
      eq(messages.channelId, sql.placeholder('channelId')),
      lt(messages.position, sql.placeholder('before')),
    ),
  )
  .orderBy(desc(messages.position))
  .limit(sql.placeholder('limit'))
  .prepare('page')

const app = express()
app.get('/channels/:channelId/messages', async (req, res) => {
  const limit = Number(req.query.limit)
  const before = Number(req.query.before ?? Number.MAX_SAFE_INTEGER)
  const rows = await page.execute({ channelId: req.params.channelId, before, limit: limit + 1 })
  const data = rows.slice(0, limit)
  const nextCursor = rows.length > limit ? data.at(-1)?.position : null
  res.json({ success: true, data, meta: { nextCursor, limit } })
})
listen(createServer(app))
