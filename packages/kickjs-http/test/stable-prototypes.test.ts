import { once } from 'node:events'
import { createServer, IncomingMessage, type Server, ServerResponse } from 'node:http'
import express, { type Express } from 'express'
import { afterEach, expect, test } from 'vitest'
import { createStableServer } from '../src/server/stable-prototypes.js'
import { raw } from './harness.js'

const servers: Server[] = []

afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections()
})

async function listen(server: Server) {
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  const address = server.address()
  return address && typeof address === 'object' ? address.port : 0
}

function build(): Express {
  const app = express().set('trust proxy', true)
  const inner = express().get('/app', (req, res) => {
    res.json({ baseUrl: req.baseUrl, ip: req.ip, same: res.req === req && req.res === res })
  })
  app.use('/inner', inner)
  app.get('/json', (req, res) => {
    res.status(202).json({ query: req.query, ip: req.ip, host: req.hostname, is: req.accepts('json') })
  })
  app.get('/cookie', (_req, res) => {
    res.cookie('a', 'b c', { httpOnly: true }).append('Vary', 'Origin').type('txt').send('cookie')
  })
  app.get('/away', (_req, res) => res.redirect('/json'))
  app.get('/raw', (_req, res) => {
    res.setHeader('X-Raw', '1')
    res.end('raw')
  })
  app.get('/boom', (_req, _res, next) =>
    next(Object.assign(new Error('boom'), { status: 409, stack: 'none' })),
  )
  app.post('/echo', express.json(), (req, res) => {
    res.json({ body: req.body, protocol: req.protocol, secure: req.secure, xhr: req.xhr })
  })
  return app
}

test.each([
  ['GET', '/json?a=1&a=2'],
  ['HEAD', '/json'],
  ['GET', '/cookie'],
  ['GET', '/away'],
  ['GET', '/raw'],
  ['GET', '/boom'],
  ['GET', '/inner/app'],
  ['GET', '/missing'],
  ['POST', '/json'],
  ['OPTIONS', '/json'],
  ['POST', '/echo'],
])('%s %s is answered as by a stock Express server', async (method, path) => {
  const ask = async (server: Server) => {
    const response = await fetch(`http://127.0.0.1:${await listen(server)}${path}`, {
      method,
      redirect: 'manual',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': '10.1.2.3' },
      ...(method === 'POST' ? { body: '{"a":1}' } : {}),
    })
    const headers = [...response.headers].filter(([name]) => name !== 'date')
    return { status: response.status, headers, body: await response.text() }
  }
  const stable = await ask(createStableServer(build()))
  expect(stable).toEqual(await ask(createServer(build())))
})

test('requests and responses are born with the prototypes that Express would give them', async () => {
  const app = express().get('/', (_req, res) => void res.end())
  const server = createStableServer(app)
  const born: boolean[] = []
  server.prependListener('request', (req, res) => {
    born.push(Object.getPrototypeOf(req) === app.request, Object.getPrototypeOf(res) === app.response)
    born.push(req instanceof IncomingMessage, res instanceof ServerResponse)
  })
  await fetch(`http://127.0.0.1:${await listen(server)}/`)
  expect(born).toEqual([true, true, true, true])
})

test('upgrades and plain request listeners go on working beside the app', async () => {
  const server = createStableServer(express().get('/app', (_req, res) => void res.send('app')))
  server.on('upgrade', (req, socket) => {
    socket.end(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n${req.url}`)
  })
  const [app] = server.listeners('request')
  server.removeAllListeners('request').on('request', (req, res) => {
    if (req.url === '/plain') res.writeHead(200, { 'Content-Type': 'text/plain' }).end('plain')
    else app?.call(server, req, res)
  })
  const port = await listen(server)
  expect(await (await fetch(`http://127.0.0.1:${port}/plain`)).text()).toBe('plain')
  expect(await (await fetch(`http://127.0.0.1:${port}/app`)).text()).toBe('app')
  const client = raw(port)
  client.socket.write('GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
  await client.closed
  expect(client.received()).toMatch(/^HTTP\/1.1 101 .*\/ws$/s)
})
