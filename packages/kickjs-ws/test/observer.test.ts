import { HttpException } from '@forinda/kickjs-core'
import { type CloseReason, OnConnect, OnMessage, type WsContext, WsController } from '@forinda/kickjs-ws'
import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import { next, raw, serve } from './harness.js'

let release = () => {}

@WsController('/observed')
class ObservedController {
  @OnConnect()
  connect(ctx: WsContext) {
    if (ctx.data.refuse) throw HttpException.forbidden()
  }
  @OnMessage('typed', z.number())
  typed() {}
  @OnMessage('early')
  early(ctx: WsContext) {
    ctx.answer(1)
    throw new Error('too late')
  }
  @OnMessage('slow')
  slow() {
    return new Promise(resolve => setTimeout(resolve, 50))
  }
  @OnMessage('held')
  held() {
    return new Promise<void>(resolve => {
      release = resolve
    })
  }
  @OnMessage('broken')
  broken() {
    throw new Error('broken')
  }
  @OnMessage('bye')
  bye(ctx: WsContext) {
    ctx.socket.conn.close()
  }
  @OnMessage('*')
  other() {}
}

async function observed(overrides = {}) {
  const log: unknown[][] = []
  const times: number[] = []
  const closed: CloseReason[] = []
  let bytes = 0
  let packets = 0
  const observer = {
    received: (event: string) => void log.push([event]),
    answered: (event: string, code: string, ms: number) => {
      log.push([event, code])
      times.push(ms)
    },
    sent: (size: number, count: number) => {
      bytes += size
      packets += count
    },
    closed: (reason: CloseReason) => void closed.push(reason),
  }
  const served = await serve({ controllers: [ObservedController], observer, ...overrides })
  return { ...served, log, times, closed, bytes: () => bytes, packets: () => packets }
}

test('every event is told when it comes in, and how and when it was answered, ack or no ack', async () => {
  const { connect, log, times } = await observed()
  const client = await connect('/observed')
  await client.emitWithAck('typed', 1)
  await client.emitWithAck('typed', 'x')
  client.emit('typed', 'x')
  await client.emitWithAck('early')
  await client.emitWithAck('broken')
  await client.emitWithAck('nobody knows')
  client.emit('typed', 2)
  await client.emitWithAck('slow')
  expect(log.filter(([, code]) => code === undefined).flat()).toEqual([
    'typed',
    'typed',
    'typed',
    'early',
    'broken',
    'unknown',
    'typed',
    'slow',
  ])
  expect(log.filter(([, code]) => code !== undefined)).toEqual([
    ['typed', 'ok'],
    ['typed', 'VALIDATION_ERROR'],
    ['typed', 'VALIDATION_ERROR'],
    ['early', 'ok'],
    ['broken', 'INTERNAL_SERVER_ERROR'],
    ['unknown', 'ok'],
    ['typed', 'ok'],
    ['slow', 'ok'],
  ])
  expect(times.at(-1)).toBeGreaterThan(45)
})

test('connecting is no event', async () => {
  const { open, log } = await observed()
  await next(open('/observed', { auth: { refuse: true } }), 'error')
  expect(log).toEqual([])
})

test('what is refused before it waits is told, too', async () => {
  const { connect, log, adapter } = await observed()
  const client = await connect('/observed')
  const held = client.emitWithAck('held')
  await vi.waitFor(() => expect(log).toHaveLength(1))
  const stopping = adapter.shutdown()
  await client.emitWithAck('typed', 1)
  release()
  await held
  await stopping
  expect(log).toEqual([['held'], ['typed'], ['typed', 'SERVICE_UNAVAILABLE'], ['held', 'ok']])
})

test('the bytes of a packet are counted for each connection it goes to, those of a broadcast as well', async () => {
  const { connect, bytes, packets, adapter } = await observed()
  await connect('/observed')
  const client = await connect('/observed')
  const before = bytes()
  const packetsBefore = packets()
  adapter.io.of('/observed').emit('news', '€'.repeat(1_000))
  adapter.io.of('/observed').emit('news', '€'.repeat(1_000))
  await next(client, 'news')
  const size = Buffer.byteLength(`42/observed,["news","${'€'.repeat(1_000)}"]`)
  // With the head of the frame, which a broadcast has already.
  expect(bytes() - before).toBe(2 * 2 * (size + 4))
  expect(packets() - packetsBefore).toBe(2 * 2)
  const between = bytes()
  await client.emitWithAck('typed', 1)
  expect(bytes() - between).toBe('43/observed,0[{"ok":true,"data":null}]'.length)
})

test('the end of each connection is told by who ended it', async () => {
  const { connect, port, closed, adapter, origin } = await observed({ heartbeatInterval: 600 })
  const next = async (reason: CloseReason) => {
    await vi.waitFor(() => expect(closed.at(-1)).toBe(reason), 3_000)
    closed.length = 0
  }
  const client = await connect('/observed')
  client.disconnect()
  await next('client')
  const polling = await connect('/observed', { transports: ['polling'] })
  polling.disconnect()
  await next('client')
  const cut = await raw(port)
  cut.socket.terminate()
  await next('transport')
  const kicked = await connect('/observed')
  kicked.emit('bye')
  await next('server')
  const frozen = await raw(port)
  frozen.socket.pause()
  await next('ping timeout')
  await fetch(`${origin}/ws/?EIO=4&transport=polling`)
  await raw(port)
  expect(adapter.connectionCounts).toEqual({ websocket: 1, polling: 1 })
  await adapter.shutdown()
  expect(closed).toEqual(['server', 'server'])
  expect(adapter.connectionCounts).toEqual({ websocket: 0, polling: 0 })
})

test('an upgraded connection counts once, as what it has become', async () => {
  const { connect, adapter } = await observed()
  const client = await connect('/observed', { transports: ['polling', 'websocket'] })
  if (client.io.engine.transport.name === 'polling') {
    await new Promise(resolve => client.io.engine.once('upgrade', resolve))
  }
  await vi.waitFor(() => expect(adapter.connectionCounts).toEqual({ websocket: 1, polling: 0 }))
  // Before the upgrade it had read all it was sent, and since then it can be asked.
  adapter.io.of('/observed').emit('news', 'x'.repeat(40_000))
  await vi.waitFor(() => expect(adapter.backlogBytes).toBe(0))
})

test('a session id names its process before the dot, and nobody guesses the rest', async () => {
  const { origin } = await serve({ controllers: [], sessionIdPrefix: 'node-1' })
  const url = `${origin}/ws/?EIO=4&transport=polling`
  const open = async () => JSON.parse((await (await fetch(url)).text()).slice(1)).sid
  const sids = [await open(), await open()]
  for (const sid of sids) {
    expect(sid).toMatch(/^node-1\.[\w-]{20,}$/)
    expect((await fetch(`${url}&sid=${sid}`, { method: 'POST', body: '3' })).status).toBe(200)
  }
  expect(new Set(sids).size).toBe(2)
})
