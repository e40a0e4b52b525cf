import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { PGlite } from '@electric-sql/pglite'
import express from 'express'
import pg from 'pg'
import { listen } from './listen.js'
import { messageOf } from './message.js'

/** A message by POST: one prepared statement that numbers and stores it. Nobody is asked who he is. */
const TABLES = `
  create table if not exists bare_channels (id uuid primary key, last_seq int not null);
  create table if not exists bare_messages (id uuid primary key, channel_id uuid not null references bare_channels,
    sender_id uuid not null, content text not null, seq int not null, created_at timestamptz not null,
    unique (channel_id, seq))`

const STORE = `
  with stepped as (
    insert into bare_channels values ($2, 1) on conflict (id) do update set last_seq = bare_channels.last_seq + 1
    returning last_seq
  )
  insert into bare_messages (id, channel_id, sender_id, content, seq, created_at)
  select $1, $2, $3, $4, last_seq, clock_timestamp() from stepped
  returning seq, created_at::text as at`

interface Stored {
  seq: number
  at: string
}

const store = await open()
const senderId = randomUUID()
const app = express().use(express.json())
app.post('/channels/:channelId/messages', async (req, res) => {
  const { channelId } = req.params
  const { content } = req.body
  const id = randomUUID()
  const [stored] = await store([id, channelId, senderId, content])
  if (!stored) throw new Error('nothing was stored')
  const createdAt = `${stored.at.slice(0, 10)}T${stored.at.slice(11, 23)}Z`
  const data = messageOf({ id, channelId, senderId, content, seq: stored.seq, createdAt })
  res.status(201).json({ success: true, data })
})
listen(createServer(app))

/** Postgres where there is one, and PGlite in a folder otherwise. */
async function open(): Promise<(values: unknown[]) => Promise<Stored[]>> {
  const { DATABASE_URL, DATA_DIR } = process.env
  if (DATABASE_URL === undefined) {
    const database = await PGlite.create(DATA_DIR ?? 'memory://')
    await database.exec(TABLES)
    return async values => (await database.query<Stored>(STORE, values)).rows
  }
  const pool = new pg.Pool({ connectionString: DATABASE_URL })
  await pool.query(TABLES)
  return async values => (await pool.query<Stored>({ name: 'store', text: STORE, values })).rows
}
