import { createServer } from 'node:http'
import express from 'express'
import { listen } from './listen.js'

/** Express as it comes, and nothing else. */
const app = express()
app.get('/hello', (_req, res) => {
  res.json({ success: true, data: { hello: 'world' } })
})
listen(createServer(app))
