import { createServer } from 'node:http'
import express, { type Response } from 'express'
import { listen } from './listen.js'

/** Streams and nothing else: what is posted to a topic goes, written down once, to all who listen to it. */
const topics = new Map<string, Set<Response>>()
const app = express()

app.get('/topics/:topic', ({ params }, res) => {
  const listeners = topics.get(params.topic) ?? new Set()
  topics.set(params.topic, listeners)
  listeners.add(res)
  res.on('close', () => listeners.delete(res))
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  res.write(event({ begun: true, timestamp: new Date().toISOString() }))
})

app.post('/topics/:topic', express.json(), ({ params, body }, res) => {
  const frame = event({ ...body, timestamp: new Date().toISOString() })
  for (const listener of topics.get(params.topic) ?? []) listener.write(frame)
  res.json({ success: true })
})
listen(createServer(app))

function event(data: object): Buffer {
  return Buffer.from(`event: stats:update\ndata: ${JSON.stringify(data)}\n\n`)
}
