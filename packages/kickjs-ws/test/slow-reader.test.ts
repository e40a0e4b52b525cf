import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type CloseReason, OnDisconnect, OnMessage, type WsContext, WsController } from '@forinda/kickjs-ws'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { heard, next, serve } from './harness.js'
import { SlowClient } from './slow-client.js'

let answered = 0
const ended: unknown[] = []
const lags: boolean[] = []
const closed: CloseReason[] = []

@WsController('/slow')
class SlowController {
  @OnMessage('many')
  many(ctx: WsContext<number>) {
    answered++
    return 'x'.repeat(ctx.data)
  }
  @OnDisconnect()
  disconnect(ctx: WsContext) {
    ended.push(ctx.data.reason)
  }
}

@WsController('/second')
class SecondController {}

const options = {
  controllers: [SlowController, SecondController],
  onLag: (_socket: unknown, isLagging: boolean) => void lags.push(isLagging),
  observer: { closed: (reason: CloseReason) => void closed.push(reason) },
}

beforeEach(() => {
  answered = 0
  for (const list of [ended, lags, closed]) list.length = 0
})

/** Makes the time that the adapter reckons in pass by itself only in `pass`. */
function holdTime() {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance', 'setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
}

/** Lets a tenth of a second pass, and what is on its way in it arrive, as often as it takes. */
async function pass(ms: number, meanwhile = () => {}) {
  for (let passed = 0; passed < ms; passed += 100) {
    meanwhile()
    vi.advanceTimersByTime(100)
    await turns(3)
  }
}

/** Turns of the event loop; those of the client's and of the server's sockets are the same. */
async function turns(count: number) {
  for (let turn = 0; turn < count; turn++) await new Promise(resolve => setImmediate(resolve))
}

async function until(check: () => boolean) {
  while (!check()) await turns(1)
}

async function room(overrides = {}) {
  const served = await serve({ ...options, ...overrides })
  const { adapter, port } = served
  return {
    ...served,
    emit: (bytes: number) => void adapter.io.of('/slow').emit('news', 'x'.repeat(bytes)),
    slow: await SlowClient.join(port, '/slow'),
  }
}

const error = { code: 'SLOW_CONSUMER', message: expect.any(String), retryAfterMs: 1_000 }

describe('a client that reads 1 KB/s in a room of 25 KB/s', () => {
  test('is closed with a reason within ten seconds, and the others hear everything', async () => {
    holdTime()
    const { emit, slow, connect, adapter } = await room()
    const other = await connect('/slow')
    const news = heard(other)
    slow.readAt(1_000)
    let passed = 0
    while (closed.length === 0) {
      await pass(100, () => emit(2_500))
      passed += 100
    }
    expect(passed).toBeGreaterThan(6_000)
    expect(passed).toBeLessThan(10_000)
    expect([lags, closed, ended]).toEqual([[true], ['slow'], ['forced close']])
    expect(adapter.io.of('/slow').sockets.size).toBe(1)
    slow.resume()
    await until(() => slow.close !== undefined)
    expect(slow.close).toEqual({ code: 1013, reason: 'SLOW_CONSUMER' })
    expect(JSON.parse(slow.frames.at(-1)?.slice('42/slow,'.length) ?? '')).toEqual(['error', error])
    await until(() => news.length === passed / 100)
    expect(other.connected).toBe(true)
  })

  test('loses its TCP connection two seconds later, if it has not read the reason', async () => {
    holdTime()
    const { emit, slow, server } = await room()
    const connections = () => new Promise(resolve => server.getConnections((_error, count) => resolve(count)))
    slow.stop()
    for (let n = 0; n < 20; n++) emit(10_000)
    await pass(18_000)
    expect(closed).toEqual(['slow'])
    await turns(10)
    expect(await connections()).toBe(0)
  })
})

test('a client of Socket.IO is told on each namespace, and comes back by itself', async () => {
  const { adapter, connect } = await serve(options)
  const first = await connect('/slow', { reconnection: true, forceNew: false, reconnectionDelay: 1 })
  const second = first.io.socket('/second', {})
  await next(second, 'connect')
  const told = Promise.all([next(first, 'error'), next(second, 'error')])
  const gone = next(first, 'disconnect')
  const { conn } = [...adapter.io.of('/slow').sockets.values()][0] ?? {}
  // One turn too full for anybody.
  while (conn?.readyState === 'open') adapter.io.of('/slow').emit('news', 'x'.repeat(100_000))
  expect(await told).toEqual([error, error])
  expect(await gone).toBe('transport close')
  await next(first, 'connect')
  expect(closed).toEqual(['slow'])
  first.io.engine.close()
})

describe('a lag', () => {
  test('is told when it begins and when it is over, to the application alone', async () => {
    holdTime()
    const { emit, slow, adapter } = await room()
    slow.stop()
    emit(300_000)
    expect(lags).toEqual([true])
    expect(adapter.backlogBytes).toBeGreaterThan(300_000)
    slow.resume()
    await until(() => lags.length === 2)
    expect(lags).toEqual([true, false])
    await pass(20_000)
    expect(adapter.backlogBytes).toBe(0)
    expect([closed, slow.frames.filter(frame => frame.includes('SLOW'))]).toEqual([[], []])
  })

  test('that cannot be told of is logged and harms nobody', async () => {
    const onLag = () => {
      throw new Error('cannot')
    }
    const { emit, slow } = await room({ onLag })
    emit(300_000)
    await until(() => slow.frames.some(frame => frame.length > 300_000))
  })

  test('is none, however much is sent, for who keeps up', async () => {
    holdTime()
    const { emit, slow } = await room()
    await pass(10_000, () => emit(30_000))
    expect([lags, closed, slow.frames.length > 100]).toEqual([[], [], true])
  })
})

test('who has read all costs no timer and no ping', async () => {
  holdTime()
  const { emit, slow } = await room()
  await pass(10_000)
  const others = vi.getTimerCount()
  const { pings } = slow
  emit(100)
  emit(100)
  await turns(1)
  expect(vi.getTimerCount()).toBe(others + 1)
  await pass(10_000)
  expect(vi.getTimerCount()).toBe(others)
  expect(slow.pings).toBe(pings + 1)
})

test('a ping that is answered without having been read confirms nothing', async () => {
  const { emit, slow, adapter } = await room()
  slow.stop()
  emit(50_000)
  for (let id = 0; id < 100; id++) slow.pong(String(id))
  slow.send('42/slow,1["many",1]')
  await until(() => answered === 1)
  expect(adapter.backlogBytes).toBeGreaterThan(50_000)
})

test('a process that stood still for a minute blames nobody for it', async () => {
  holdTime()
  const { emit, slow } = await room()
  slow.stop()
  emit(200_000)
  await pass(1_500)
  const { now } = performance
  vi.spyOn(performance, 'now').mockImplementation(() => now.call(performance) + 60_000)
  onTestFinished(() => void vi.restoreAllMocks())
  await pass(1_500)
  expect(closed).toEqual([])
})

test('a large answer has its time on a slow line, and the heartbeat waits for it', async () => {
  // A ping after 3 s, whose answer is due 2 s later.
  const { slow } = await room({ heartbeatInterval: 6_000 })
  slow.ignorePings()
  await slow.seen('2')
  slow.readAt(600_000)
  slow.send('42/slow,1["many",2000000]')
  while (!slow.frames.some(frame => frame.startsWith('43/slow,1'))) await turns(10)
  expect(closed).toEqual([])
  slow.send('3')
  slow.send('42/slow,2["many",1]')
  while (!slow.frames.includes('43/slow,2[{"ok":true,"data":"x"}]')) await turns(10)
  expect(closed).toEqual([])
})

test('who asks for more than he can read gets it all, as fast as he reads', async () => {
  const { slow } = await room()
  slow.stop()
  for (let id = 0; id < 60; id++) slow.send(`42/slow,${id}["many",500000]`)
  await until(() => answered > 5)
  await new Promise(resolve => setTimeout(resolve, 200))
  expect(answered).toBeLessThan(40)
  slow.resume()
  await slow.seen('43/slow,59')
  expect([answered, closed]).toEqual([60, []])
})

test('one packet alone may be as large as it likes', async () => {
  const { slow } = await room({ maxPayload: 1_000 })
  slow.send('42/slow,1["many",3000000]')
  await slow.seen('43/slow,1')
  expect(closed).toEqual([])
})

test('who sends pings without reading the pongs is closed', async () => {
  const { slow } = await room()
  slow.stop()
  const flood = () => {
    for (let n = 0; n < 1_000 && closed.length === 0; n++) slow.ping('x'.repeat(125))
  }
  while (closed.length === 0) {
    flood()
    await turns(1)
  }
  expect(closed).toEqual(['slow'])
  const reading = await room()
  for (let n = 0; n < 3_000; n++) reading.slow.ping('x')
  reading.slow.send('42/slow,1["many",1]')
  await reading.slow.seen('43/slow,1')
})

describe('over long-polling', () => {
  async function poller(origin: string) {
    const url = `${origin}/ws/?EIO=4&transport=polling`
    const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1))
    const poll = () => fetch(`${url}&sid=${sid}`)
    await fetch(`${url}&sid=${sid}`, { method: 'POST', body: '40/slow,' })
    await (await poll()).text()
    return poll
  }

  test('the next poll confirms the answer to the one before', async () => {
    const { adapter, origin } = await serve(options)
    const poll = await poller(origin)
    adapter.io.of('/slow').emit('news', 'x'.repeat(10_000))
    expect((await (await poll()).text()).length).toBeGreaterThan(10_000)
    expect(adapter.backlogBytes).toBeGreaterThan(10_000)
    const waiting = poll()
    await until(() => adapter.backlogBytes === 0)
    adapter.io.of('/slow').emit('news', 1)
    await waiting
    expect(adapter.connectionCounts).toEqual({ websocket: 0, polling: 1 })
  })

  test('who does not come back for more is closed, and told so when he does', async () => {
    holdTime()
    const { adapter, origin } = await serve(options)
    const poll = await poller(origin)
    adapter.io.of('/slow').emit('news', 1)
    await (await poll()).text()
    await pass(9_000, () => adapter.io.of('/slow').emit('news', 'x'.repeat(2_500)))
    expect([lags, closed, adapter.connectionCounts.polling]).toEqual([[true], ['slow'], 0])
    expect((await poll()).status).toBe(400)
  })
})

describe('the memory that one reader takes', () => {
  setFlagsFromString('--expose_gc')
  const collect = runInNewContext('gc')
  const inUse = () => {
    collect()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }

  test.each([20, 1_000, 100_000])('stays below 10 MB in a flood of events of %d bytes', async bytes => {
    const { emit, slow, adapter } = await room()
    slow.stop()
    const before = inUse()
    let most = 0
    let rounds = 0
    while (closed.length === 0) {
      for (let sent = 0; sent < 300_000 && closed.length === 0; sent += bytes + 300) emit(bytes)
      await turns(1)
      if (++rounds % 3 === 0) most = Math.max(most, inUse() - before)
    }
    expect(most).toBeLessThan(10_000_000)
    expect(adapter.io.of('/slow').sockets.size).toBe(0)
    slow.socket.destroy()
    while (inUse() - before > 2_000_000) await turns(10)
  })
})
