import { createServer } from 'node:http'
import { listen } from './listen.js'

/** What Node itself can do. */
listen(
  createServer((_req, res) => {
    const body = JSON.stringify({ success: true, data: { hello: 'world' } })
    res.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
    res.end(body)
  }),
)
