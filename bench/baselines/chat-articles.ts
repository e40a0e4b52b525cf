import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { drizzle } from 'drizzle-orm/node-postgres'
import { pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import jwt from 'jsonwebtoken'
import pg from 'pg'
import { Server } from 'socket.io'
import { listen } from './listen.js'
import { messageOf } from './message.js'

/**
 * The chat as the articles write it: one insert for each message, one emit to the room and one to the sender;
 * presence is a map, and everybody is told of everybody. Acks are ours, since there is nothing to wait for otherwise.
 */
const messages = pgTable('messages', {
  id: uuid().primaryKey().defaultRandom(),
  channelId: uuid('channel_id').notNull(),
  senderId: uuid('sender_id').notNull(),
  content: text().notNull(),
  mentions: uuid().array().notNull(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
})

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
await pool.query(`
  create table if not exists messages (id uuid primary key default gen_random_uuid(), channel_id uuid not null,
    sender_id uuid not null, content text not null, mentions uuid[] not null, created_at timestamptz not null default now());
  create index if not exists messages_by_channel on messages (channel_id, created_at)`)
const db = drizzle(pool)

const onlineUsers = new Map<string, { userId: string; userName: string }>()
const secret = process.env.JWT_SECRET ?? ''
let seq = 0

const http = createServer()
const chat = new Server(http, { path: '/ws' }).of('/chat')
chat.on('connection', socket => {
  const payload = jwt.verify(String(socket.handshake.auth.token), secret)
  if (typeof payload === 'string') return
  const userId = payload.sub ?? randomUUID()
  onlineUsers.set(socket.id, { userId, userName: payload.email })
  socket.emit('welcome', { id: socket.id, userId })
  chat.emit('presence:online', { userId, userName: payload.email })

  socket.on('disconnect', () => {
    chat.emit('presence:offline', { userId })
    onlineUsers.delete(socket.id)
  })
  socket.on('channel:join', ({ channelId }, ack) => {
    void socket.join(`channel:${channelId}`)
    socket.to(`channel:${channelId}`).emit('channel:user_joined', { channelId, userId })
    ack({ ok: true, data: {} })
  })
  socket.on('message:send', async ({ channelId, content }, ack) => {
    const [stored] = await db
      .insert(messages)
      .values({ channelId, senderId: userId, content, mentions: [] })
      .returning()
    if (!stored) return
    seq += 1
    const message = messageOf({ ...stored, seq, createdAt: stored.createdAt.toISOString() })
    socket.to(`channel:${channelId}`).emit('message:new', message)
    socket.emit('message:new', message)
    ack({ ok: true, data: message })
  })
})
listen(http)
