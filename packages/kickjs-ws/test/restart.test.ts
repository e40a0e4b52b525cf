import { once } from 'node:events'
import { OnMessage, WsController } from '@forinda/kickjs-ws'
import { beforeEach, describe, expect, test } from 'vitest'
import { heard, next, raw, serve, transports } from './harness.js'

let release = () => {}
let released = new Promise<void>(() => {})
let begin = () => {}
let begun = new Promise<void>(() => {})

beforeEach(() => {
  released = new Promise(resolve => {
    release = resolve
  })
  begun = new Promise(resolve => {
    begin = resolve
  })
})

@WsController('/restart')
class RestartController {
  @OnMessage('ping')
  ping() {
    return 'pong'
  }
  @OnMessage('hold')
  async hold() {
    begin()
    await released
    return 'done'
  }
}

@WsController('/beside')
class BesideController {}

const options = { controllers: [RestartController, BesideController] }

describe('a drain', () => {
  test('tells each socket when to come back, each something else', async () => {
    const { adapter, connect } = await serve(options)
    const clients = await Promise.all(Array.from({ length: 20 }, () => connect('/restart')))
    const beside = clients[0]?.io.socket('/beside', {})
    if (!beside) throw new Error('no client')
    await next(beside, 'connect')
    const told = Promise.all([...clients, beside].map(client => next(client, 'server:restarting')))
    await adapter.drain()
    const delays = (await told).map(restart => Object(restart).reconnectInMs)
    for (const delay of delays) {
      expect(Number.isInteger(delay)).toBe(true)
      expect(delay).toBeGreaterThanOrEqual(500)
      expect(delay).toBeLessThanOrEqual(2_500)
    }
    expect(new Set(delays).size).toBeGreaterThan(10)
  })

  test('closes one connection after the other, so that each client comes back by itself', async () => {
    const { adapter, connect } = await serve(options)
    const clients = await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        connect('/restart', { transports: [transports[n % 2] ?? 'polling'], reconnection: true }),
      ),
    )
    const begun = performance.now()
    const ends = Promise.all(
      clients.map(client => next(client, 'disconnect').then(reason => [reason, performance.now() - begun])),
    )
    await adapter.drain()
    const took = performance.now() - begun
    // 5 ms for each of 60.
    expect(took).toBeGreaterThan(290)
    expect(took).toBeLessThan(1_500)
    const reasons = await ends
    for (const [reason] of reasons) expect(reason).toMatch(/^transport (close|error)$/)
    const times = reasons.map(([, ms]) => Number(ms)).sort((a, b) => a - b)
    expect((times[45] ?? 0) - (times[15] ?? 0)).toBeGreaterThan(50)
    expect(clients.every(client => client.active)).toBe(true)
    expect(adapter.connectionCounts).toEqual({ websocket: 0, polling: 0 })
  })

  test('lets nobody new in, but serves who is there until his turn', async () => {
    const { adapter, connect, origin } = await serve(options)
    const first = next(await connect('/restart'), 'disconnect')
    for (let n = 0; n < 100; n++) await fetch(`${origin}/ws/?EIO=4&transport=polling`)
    const last = await connect('/restart')
    const told = next(last, 'server:restarting')
    const draining = adapter.drain()
    await told
    expect((await fetch(`${origin}/ws/?EIO=4&transport=polling`)).status).toBe(403)
    await first
    expect(await last.emitWithAck('ping')).toEqual({ ok: true, data: 'pong' })
    await draining
  })

  test.each(transports)('answers over %s what came before the turn', async transport => {
    const { adapter, connect } = await serve(options)
    const client = await connect('/restart', { transports: [transport] })
    const answer = client.emitWithAck('hold')
    await begun
    const draining = adapter.drain()
    const gone = next(client, 'disconnect')
    setTimeout(release, 200)
    expect(await answer).toEqual({ ok: true, data: 'done' })
    await gone
    await draining
  })

  test('waits for the poll that takes the answer', async () => {
    const { adapter, origin } = await serve(options)
    const url = `${origin}/ws/?EIO=4&transport=polling`
    const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1))
    const poll = async () => (await fetch(`${url}&sid=${sid}`)).text()
    const post = (body: string) => fetch(`${url}&sid=${sid}`, { method: 'POST', body })
    await post('40/restart,')
    await poll()
    await post('42/restart,1["ping"]')
    const draining = adapter.drain()
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(await poll()).toContain('43/restart,1[{"ok":true,"data":"pong"}]')
    await draining
    expect((await fetch(`${url}&sid=${sid}`)).status).toBe(400)
  })

  test('is held by no handler that hangs and no client that does not read, and a shutdown ends it', async () => {
    const { adapter, server, connect, port } = await serve(options)
    const frozen = await raw(port)
    frozen.send('40/restart,')
    await frozen.next('40/restart,')
    frozen.socket.pause()
    for (let n = 0; n < 30; n++) adapter.io.of('/restart').emit('news', 'x'.repeat(100_000))
    const client = await connect('/restart')
    client.emit('hold')
    await begun
    const start = performance.now()
    const draining = adapter.drain()
    await adapter.shutdown()
    await once(server.close(), 'close')
    expect(performance.now() - start).toBeLessThan(3_500)
    await draining
  })

  test('of nobody, or before the start, or twice, does nothing', async () => {
    const { adapter, connect } = await serve(options)
    const client = await connect('/restart')
    const events = heard(client)
    await Promise.all([adapter.drain(), adapter.drain()])
    expect(events.filter(([event]) => event === 'server:restarting')).toHaveLength(1)
    await adapter.drain()
    await adapter.shutdown()
  })
})
