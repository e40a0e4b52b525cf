import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import { Server } from 'socket.io'
import { listen } from './listen.js'
import { messageOf } from './message.js'

/**
 * Stock Socket.IO with a group commit: the sends of one turn, and those that come while a commit is under way,
 * are stored and numbered by one statement, then acknowledged and told to the room. It asks nobody who he is.
 */
interface Draft {
  id: string
  channelId: string
  senderId: string
  content: string
  settle(stored: Stored): void
}

interface Stored {
  id: string
  seq: number
  at: string
}

const TABLES = `
  create table if not exists channels (id uuid primary key, last_seq int not null);
  create table if not exists messages (id uuid primary key, channel_id uuid not null references channels,
    sender_id uuid not null, content text not null, seq int not null, created_at timestamptz not null,
    unique (channel_id, seq))`

const STORE = `
  with input as (
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[])
      with ordinality as t(id, channel_id, sender_id, content, n)
  ), stepped as (
    update channels set last_seq = last_seq + f.count
    from (select channel_id, count(*) as count from input group by channel_id) f
    where channels.id = f.channel_id
    returning channels.id, channels.last_seq - f.count as base
  )
  insert into messages (id, channel_id, sender_id, content, seq, created_at)
  select i.id, channel_id, sender_id, content,
    s.base + row_number() over (partition by channel_id order by n), clock_timestamp()
  from input i join stepped s on s.id = i.channel_id
  returning id, seq, created_at::text as at`

type Query = (text: string, values: unknown[], name?: string) => Promise<{ rows: Stored[] }>

const { query, exec } = await open()
await exec(TABLES)
let waiting: Draft[] = []
let draining = false

const http = createServer()
const chat = new Server(http, { path: '/ws' }).of('/chat')
chat.on('connection', socket => {
  const senderId = randomUUID()
  socket.emit('welcome', { id: socket.id, userId: senderId })
  socket.on('channel:join', async ({ channelId }, ack) => {
    await query('insert into channels values ($1, 0) on conflict do nothing', [channelId])
    void socket.join(channelId)
    ack({ ok: true, data: {} })
  })
  socket.on('message:send', ({ channelId, content }, ack) => {
    const id = randomUUID()
    push({
      id,
      channelId,
      senderId,
      content,
      settle: ({ seq, at }) => {
        const createdAt = `${at.slice(0, 10)}T${at.slice(11, 23)}Z`
        const message = messageOf({ id, channelId, senderId, content, seq, createdAt })
        ack({ ok: true, data: message })
        chat.to(channelId).emit('message:new', message)
      },
    })
  })
})
listen(http)

function push(draft: Draft) {
  waiting.push(draft)
  if (draining) return
  draining = true
  setImmediate(() => void drain())
}

async function drain() {
  while (waiting.length > 0) {
    const batch = waiting
    waiting = []
    const columns = [
      batch.map(({ id }) => id),
      batch.map(({ channelId }) => channelId),
      batch.map(({ senderId }) => senderId),
      batch.map(({ content }) => content),
    ]
    const { rows } = await query(STORE, columns, 'store')
    const stored = new Map(rows.map(row => [row.id, row]))
    for (const { id, settle } of batch) {
      const row = stored.get(id)
      if (row) settle(row)
    }
  }
  draining = false
}

/** Postgres where there is one, and PGlite in a folder otherwise. */
async function open(): Promise<{ query: Query; exec(sql: string): Promise<unknown> }> {
  const { DATABASE_URL, DATA_DIR } = process.env
  if (DATABASE_URL !== undefined) {
    const client = new pg.Client({ connectionString: DATABASE_URL })
    await client.connect()
    return {
      query: (text, values, name) => client.query({ text, values, ...(name !== undefined && { name }) }),
      exec: sql => client.query(sql),
    }
  }
  const database = await PGlite.create(DATA_DIR ?? 'memory://')
  return { query: (text, values) => database.query(text, values), exec: sql => database.exec(sql) }
}
