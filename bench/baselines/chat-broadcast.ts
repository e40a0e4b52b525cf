import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { Server } from 'socket.io'
import { listen } from './listen.js'
import { messageOf } from './message.js'

/** Stock Socket.IO: rooms, and the bytes of Vibed's messages to whoever is in one. It knows nobody and keeps nothing. */
const http = createServer()
const chat = new Server(http, { path: '/ws' }).of('/chat')
let seq = 0

chat.on('connection', socket => {
  const senderId = randomUUID()
  socket.emit('welcome', { id: socket.id, userId: senderId })
  socket.on('channel:join', ({ channelId }, ack) => {
    void socket.join(channelId)
    ack({ ok: true, data: { lastSeq: seq } })
  })
  socket.on('message:send', ({ channelId, content }, ack) => {
    seq += 1
    const createdAt = new Date().toISOString()
    const message = messageOf({ id: randomUUID(), channelId, senderId, content, seq, createdAt })
    chat.to(channelId).emit('message:new', message)
    ack({ ok: true, data: message })
  })
})

listen(http)
