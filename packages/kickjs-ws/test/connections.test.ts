import { request } from 'node:http'
import { Autowired, Container, HttpException, Service } from '@forinda/kickjs-core'
import {
  OnConnect,
  OnDisconnect,
  OnMessage,
  WsAdapter,
  type WsContext,
  WsController,
} from '@forinda/kickjs-ws'
import { expect, test } from 'vitest'
import { heard, next, serve } from './harness.js'

@WsController('/rooms')
class RoomsController {
  @OnMessage('join')
  async join(ctx: WsContext<string>) {
    await ctx.join(ctx.data)
    return ctx.rooms()
  }
  @OnMessage('leave')
  async leave(ctx: WsContext<string>) {
    await ctx.leave(ctx.data)
    return ctx.rooms()
  }
  @OnMessage('to')
  to(ctx: WsContext<string>) {
    ctx.to(ctx.data).send('news', ctx.id)
  }
  @OnMessage('broadcast')
  broadcast(ctx: WsContext) {
    ctx.broadcast('news', 'others')
    ctx.broadcastAll('news', 'all')
  }
  @OnMessage('count')
  count(ctx: WsContext) {
    ctx.set('count', (ctx.get<number | undefined>('count') ?? 0) + 1)
    return [ctx.get('count'), ctx.namespace, ctx.event, ctx.id]
  }
  @OnMessage('sync')
  sync() {}
  @OnMessage('kick')
  kick(ctx: WsContext<string | undefined>) {
    ctx.disconnect(ctx.data)
  }
}

test('a room reaches its members without the sender, a broadcast the others, broadcastAll everyone', async () => {
  const { connect } = await serve({ controllers: [RoomsController] })
  const [a, b, c] = [await connect('/rooms'), await connect('/rooms'), await connect('/rooms')]
  expect(await a.emitWithAck('join', 'r')).toEqual({ ok: true, data: ['r'] })
  await b.emitWithAck('join', 'r')
  const [toA, toB, toC] = [heard(a), heard(b), heard(c)]
  await a.emitWithAck('to', 'r')
  await c.emitWithAck('to', 'r')
  await b.emitWithAck('broadcast')
  expect(await b.emitWithAck('leave', 'r')).toEqual({ ok: true, data: [] })
  await a.emitWithAck('to', 'r')
  for (const client of [a, b, c]) await client.emitWithAck('sync')
  expect(toA).toEqual([
    ['news', c.id],
    ['news', 'others'],
    ['news', 'all'],
  ])
  expect(toB).toEqual([
    ['news', a.id],
    ['news', c.id],
    ['news', 'all'],
  ])
  expect(toC).toEqual([
    ['news', 'others'],
    ['news', 'all'],
  ])
})

test('what is set on a socket is there in its later events, and on no other socket', async () => {
  const { connect } = await serve({ controllers: [RoomsController] })
  const [a, b] = [await connect('/rooms'), await connect('/rooms')]
  await a.emitWithAck('count')
  expect(await a.emitWithAck('count')).toEqual({ ok: true, data: [2, '/rooms', 'count', a.id] })
  expect(await b.emitWithAck('count')).toEqual({ ok: true, data: [1, '/rooms', 'count', b.id] })
})

test('disconnect tells its reason and ends the socket', async () => {
  const { connect } = await serve({ controllers: [RoomsController] })
  const client = await connect('/rooms')
  const events = heard(client)
  const gone = next(client, 'disconnect')
  client.emit('kick', 'Session revoked')
  expect(await gone).toBe('io server disconnect')
  expect(events).toEqual([['error', { code: 'DISCONNECTED', message: 'Session revoked' }]])
})

test('a failing @OnConnect is told to the client and stops the later ones; a failing @OnDisconnect stops none', async () => {
  const log: string[] = []
  @WsController('/door')
  class DoorController {
    @OnConnect()
    async connect(ctx: WsContext) {
      await Promise.resolve()
      if (ctx.data.error)
        throw ctx.data.error === 'http' ? HttpException.forbidden('No') : new Error('secret')
    }
    @OnDisconnect()
    async disconnect() {
      throw new Error('secret')
    }
  }
  @WsController('/door')
  class BehindController {
    @OnConnect()
    connect() {
      log.push('connect')
    }
    @OnDisconnect()
    disconnect() {
      log.push('disconnect')
    }
    @OnMessage('ping')
    ping() {
      return 'pong'
    }
  }
  const { open, adapter } = await serve({ controllers: [DoorController, BehindController] })
  const forbidden = open('/door', { auth: { error: 'http' } })
  expect(await next(forbidden, 'error')).toEqual({ code: 'FORBIDDEN', message: 'No', event: 'connect' })
  const broken = open('/door', { auth: { error: 'other' } })
  expect(await next(broken, 'error')).toMatchObject({ code: 'INTERNAL_SERVER_ERROR', event: 'connect' })
  expect(log).toEqual([])
  expect(await broken.emitWithAck('ping')).toEqual({ ok: true, data: 'pong' })
  await adapter.shutdown()
  expect(log).toEqual(['disconnect', 'disconnect'])
})

test('controllers come from the container of the application, and a subclass inherits handlers', async () => {
  @Service()
  class Greeting {
    readonly text = 'hello'
  }
  class BaseController {
    @Autowired(Greeting) protected readonly greeting!: Greeting
    @OnMessage('greet')
    @OnMessage('salute')
    greet(): string {
      return this.greeting.text
    }
    @OnMessage('old')
    renamed() {
      return 'old'
    }
  }
  @WsController('/sub')
  class SubController extends BaseController {
    override greet() {
      return `${super.greet()} from below`
    }
    @OnMessage('new')
    override renamed() {
      return 'new'
    }
  }
  const container = new Container()
  const client = await (await serve({ controllers: [SubController] }, container)).connect('/sub')
  for (const event of ['greet', 'salute']) {
    expect(await client.emitWithAck(event)).toEqual({ ok: true, data: 'hello from below' })
  }
  expect(await client.emitWithAck('new')).toEqual({ ok: true, data: 'new' })
  expect(await client.emitWithAck('old')).toMatchObject({ error: { code: 'UNKNOWN_EVENT' } })
  expect(container.has(SubController)).toBe(true)
})

test('without a list, every controller known to the process is served', async () => {
  const { connect } = await serve({})
  const client = await connect('/rooms')
  expect(await client.emitWithAck('sync')).toEqual({ ok: true, data: null })
})

test('two apps in one process share neither controllers nor rooms', async () => {
  const [one, two] = [await serve({ controllers: [RoomsController] }), await serve({ controllers: [] })]
  await one.connect('/rooms')
  expect(await next(two.open('/rooms'), 'connect_error')).toMatchObject({ message: 'Invalid namespace' })
})

test('two handlers of one event, or a class that is no controller, fail the start by name', async () => {
  @WsController('/twice')
  class OneController {
    @OnMessage('event')
    one() {}
  }
  @WsController('/twice')
  class TwoController {
    @OnMessage('event')
    two() {}
  }
  class NoController {}
  await expect(serve({ controllers: [OneController, TwoController] })).rejects.toThrow(
    'OneController.one and TwoController.two both handle "event" of /twice',
  )
  await expect(serve({ controllers: [NoController] })).rejects.toThrow(
    'NoController is not marked with @WsController',
  )
})

test('io is there once the application starts, and says so before', async () => {
  const adapter = new WsAdapter()
  expect(() => adapter.io).toThrow('once the application starts')
  expect(() => adapter.beforeStart({ app: undefined, container: new Container() })).toThrow('HTTP server')
  const started = await serve({ controllers: [RoomsController] })
  const client = await started.connect('/rooms')
  const news = next(client, 'news')
  started.adapter.io.of('/rooms').emit('news', 'from outside')
  expect(await news).toBe('from outside')
})

test('a namespace without a controller is refused, the default one too', async () => {
  const { open } = await serve({ controllers: [RoomsController] })
  for (const namespace of ['/', '/nowhere', '/__proto__']) {
    expect(await next(open(namespace), 'connect_error')).toMatchObject({ message: 'Invalid namespace' })
  }
})

test('a connection over maxConnections is refused with a code, and let in once another has gone', async () => {
  const { open, connect } = await serve({ controllers: [RoomsController], maxConnections: 2 })
  const [first] = [await connect('/rooms'), await connect('/rooms', { transports: ['polling'] })]
  const refused = await next(open('/rooms'), 'connect_error')
  expect(refused).toMatchObject({ data: { code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) } })
  first.disconnect()
  const third = open('/rooms', { reconnection: true })
  third.on('connect_error', () => third.connect())
  await next(third, 'connect')
})

test('a connection that is gone before it is admitted takes no place', async () => {
  const { origin, connect } = await serve({ controllers: [RoomsController], maxConnections: 1 })
  const url = `${origin}/ws/?EIO=4&transport=polling`
  for (let count = 0; count < 3; count++) {
    const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1))
    await fetch(`${url}&sid=${sid}`, { method: 'POST', body: '40/rooms,\x1e1' })
  }
  await connect('/rooms')
})

test('a dead peer is noticed within the heartbeat interval', async () => {
  for (const heartbeatInterval of [30_000, 900]) {
    const { adapter } = await serve({ controllers: [], heartbeatInterval })
    const { pingInterval = 0, pingTimeout = 0 } = adapter.io.engine.opts
    expect(pingInterval + pingTimeout).toBe((heartbeatInterval * 5) / 6)
  }
})

test('a client that stops answering pings is disconnected', async () => {
  const ended: unknown[] = []
  let tell = () => {}
  const told = new Promise<void>(resolve => {
    tell = resolve
  })
  @WsController('/frozen')
  class FrozenController {
    @OnDisconnect()
    disconnect(ctx: WsContext) {
      ended.push(ctx.data)
      tell()
    }
  }
  const { connect } = await serve({ controllers: [FrozenController], heartbeatInterval: 60 })
  const client = await connect('/frozen')
  const transport = client.io.engine.transport as unknown as { ws: { pause(): void } }
  transport.ws.pause()
  await told
  expect(ended).toEqual([{ reason: 'ping timeout' }])
})

/** The status of a handshake with this Origin. */
function handshake(
  port: number,
  headers: Record<string, string>,
  upgrade = false,
): Promise<number | undefined> {
  const transport = upgrade ? 'websocket' : 'polling'
  const websocket = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  }
  return new Promise((resolve, reject) => {
    const path = `/ws/?EIO=4&transport=${transport}`
    const handshake = request({ port, path, headers: { ...headers, ...(upgrade && websocket) } })
    handshake.once('response', response => resolve(response.resume().statusCode))
    handshake.once('upgrade', (response, socket) => {
      socket.destroy()
      resolve(response.statusCode)
    })
    handshake.once('error', reject).end()
  })
}

test('browsers of other origins are refused, unless they are allowed; native clients never are', async () => {
  const strict = await serve({ controllers: [RoomsController] })
  const own = { Host: 'Chat.Example.com', Origin: 'https://chat.example.com' }
  const foreign = [
    'https://evil.example',
    'null',
    'https://chat.example.com.evil.example',
    'http://chat.example.com:81',
  ]
  for (const upgrade of [true, false]) {
    const [ok, refused] = upgrade ? [101, 400] : [200, 403]
    expect(await handshake(strict.port, {}, upgrade)).toBe(ok)
    expect(await handshake(strict.port, own, upgrade)).toBe(ok)
    expect(await handshake(strict.port, { ...own, Host: 'chat.example.com:443' }, upgrade)).toBe(ok)
    for (const Origin of foreign)
      expect(await handshake(strict.port, { ...own, Origin }, upgrade)).toBe(refused)
  }
  const origins = ['https://app.example.com', 'https://evil.example']
  const statuses = (port: number) => Promise.all(origins.map(Origin => handshake(port, { Origin }, true)))
  const open = await serve({
    controllers: [],
    cors: { origin: ['https://app.example.com'], credentials: true },
  })
  expect(await statuses(open.port)).toEqual([101, 400])
  const all = await serve({ controllers: [], cors: { origin: '*' } })
  expect(await statuses(all.port)).toEqual([101, 101])
})

test('an allowed origin may read the answer of a poll', async () => {
  const { origin } = await serve({ controllers: [], cors: { origin: ['https://app.example.com'] } })
  const headers = { Origin: 'https://app.example.com' }
  const response = await fetch(`${origin}/ws/?EIO=4&transport=polling`, { headers })
  expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
})
