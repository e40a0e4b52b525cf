import { createServer } from 'node:http'
import { and, count, desc, eq, gt, lt } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import express from 'express'
import pg from 'pg'
import { asker } from './asker.js'
import { listen } from './listen.js'

/**
 * Messages as the articles have them: history by `created_at`, an insert for each message; and what is unread by a
 * count for each channel. Who may see what, nobody asks.
 */
const moment = (name: string) => timestamp(name, { withTimezone: true })
const messages = pgTable('messages', {
  id: uuid().primaryKey().defaultRandom(),
  channelId: uuid('channel_id').notNull(),
  senderId: uuid('sender_id').notNull(),
  content: text().notNull(),
  mentions: uuid().array().notNull(),
  createdAt: moment('created_at').notNull().defaultNow(),
  updatedAt: moment('updated_at').notNull().defaultNow(),
})
const channelReads = pgTable('channel_reads', {
  channelId: uuid('channel_id').notNull(),
  readAt: moment('read_at').notNull(),
})

const db = drizzle(new pg.Pool({ connectionString: process.env.DATABASE_URL }))
const app = express().use(express.json())

app.get('/channels/:channelId/messages', async (req, res) => {
  asker(req)
  const { cursor, limit } = req.query
  const conditions = [eq(messages.channelId, req.params.channelId)]
  if (cursor !== undefined) conditions.push(lt(messages.createdAt, new Date(String(cursor))))
  const data = await db
    .select()
    .from(messages)
    .where(and(...conditions))
    .orderBy(desc(messages.createdAt))
    .limit(Number(limit))
  res.json({ success: true, data })
})

app.post('/channels/:channelId/messages', async (req, res) => {
  const senderId = asker(req)
  const draft = { channelId: req.params.channelId, senderId, content: req.body.content, mentions: [] }
  const [data] = await db.insert(messages).values(draft).returning()
  res.status(201).json({ success: true, data })
})

app.get('/unread', async (req, res) => {
  asker(req)
  const reads = await db.select().from(channelReads)
  const data = await Promise.all(
    reads.map(async ({ channelId, readAt }) => {
      const [unread] = await db
        .select({ count: count() })
        .from(messages)
        .where(and(eq(messages.channelId, channelId), gt(messages.createdAt, readAt)))
      return { channelId, unread: unread?.count }
    }),
  )
  res.json({ success: true, data })
})
listen(createServer(app))
