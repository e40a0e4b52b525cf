import type { Socket } from 'node:net'
import { Controller, Get } from '@forinda/kickjs-core'
import {
  type Application,
  type EventStream,
  type EventStreamOptions,
  encodeEvent,
  type RequestContext,
} from '@forinda/kickjs-http'
import { EventSource } from 'eventsource'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { logged, raw, serve, until } from './harness.js'

let options: EventStreamOptions | undefined
let streams: EventStream[] = []
let opened: (stream: EventStream) => void = () => {}
let before: (ctx: RequestContext) => unknown = () => {}

@Controller()
class Events {
  @Get('/events')
  async stream(ctx: RequestContext) {
    await before(ctx)
    const stream = ctx.sse(options)
    streams.push(stream)
    opened(stream)
  }
}

/** Requests the stream on a socket of its own, and has both of its ends. */
async function open(port: number, method = 'GET') {
  const client = raw(port)
  const stream = new Promise<EventStream>(resolve => {
    opened = resolve
  })
  client.socket.write(`${method} /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n`)
  return { ...client, stream: await stream }
}

beforeEach(() => {
  options = undefined
  streams = []
  before = () => {}
})

afterEach(() => {
  vi.restoreAllMocks()
})

describe('a stream', () => {
  test('opens at once with the headers that keep proxies from holding it back', async () => {
    const { at } = await serve([Events])
    const { status, headers, body } = await at('/events')
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('text/event-stream')
    expect(headers.get('cache-control')).toBe('no-cache, no-transform')
    expect(headers.get('connection')).toBe('keep-alive')
    expect(headers.get('x-accel-buffering')).toBe('no')
    await body?.cancel()
  })

  test('brings an EventSource named events with ids, and after a reconnect the last id', async () => {
    const lastIds: unknown[] = []
    before = ctx => lastIds.push(ctx.headers['last-event-id'])
    options = { retryMs: 1 }
    const { url } = await serve([Events])
    opened = stream => stream.send({ n: 1, text: 'a\r\nb\nc\rd\u2028' }, 'update', 'id-1')
    const source = new EventSource(`${url}/events`)
    const event = await new Promise<MessageEvent>(resolve => source.addEventListener('update', resolve))
    expect([JSON.parse(event.data), event.lastEventId]).toEqual([
      { n: 1, text: 'a\r\nb\nc\rd\u2028' },
      'id-1',
    ])
    const again = new Promise<void>(resolve => {
      opened = () => resolve()
    })
    streams[0]?.close()
    await again
    source.close()
    expect(lastIds).toEqual([undefined, 'id-1'])
  })

  test('sends nothing but what was meant, whatever text is in it', async () => {
    const { port } = await serve([Events])
    const { stream, seen } = await open(port)
    stream.comment('one\r\ndata: two\nevent: three\rfour')
    stream.send(undefined)
    const received = await seen('data: null\n\n')
    expect(received).toContain(': one\n: data: two\n: event: three\n: four\n\n')
  })

  test.each(['a\nb', 'a\rb', 'a\0b'])('refuses %j as event or id', async text => {
    expect(() => encodeEvent(1, text)).toThrow(TypeError)
    expect(() => encodeEvent(1, 'name', text)).toThrow(TypeError)
    const { port } = await serve([Events])
    const { stream } = await open(port)
    expect(() => stream.send(1, text)).toThrow(TypeError)
  })

  test('writes a frame that was made once as it is', async () => {
    const { port } = await serve([Events])
    const clients = [await open(port), await open(port)]
    const frame = encodeEvent({ shared: true }, 'stats', '9')
    expect(String(frame)).toBe('event: stats\nid: 9\ndata: {"shared":true}\n\n')
    for (const { stream } of clients) stream.write(frame)
    await Promise.all(clients.map(({ seen }) => seen(String(frame))))
  })

  test('to HEAD is its headers alone, closed', async () => {
    const { port } = await serve([Events])
    const { stream, seen } = await open(port, 'HEAD')
    expect(stream.closed).toBe(true)
    expect(await seen('\r\n\r\n')).toMatch(/^HTTP\/1.1 200 OK\r\n.*text\/event-stream/s)
  })
})

describe('the end of a stream', () => {
  test('by the client is told once, and later writes go nowhere', async () => {
    const { port } = await serve([Events])
    const { stream, socket } = await open(port)
    const told = vi.fn()
    stream.onClose(told)
    socket.destroy()
    await until(() => stream.closed)
    stream.send(1)
    stream.comment('x')
    stream.write(Buffer.from('x'))
    stream.close()
    expect(told.mock.calls).toEqual([['client']])
  })

  test('by the server is told once, and what was sent before still arrives', async () => {
    const { port } = await serve([Events])
    const { stream, seen } = await open(port)
    const told = vi.fn()
    stream.onClose(told)
    stream.send('last')
    stream.close()
    stream.close()
    await seen('data: "last"\n\n\r\n0\r\n\r\n')
    expect(told.mock.calls).toEqual([['server']])
  })

  test('is told at once to one who asks later', async () => {
    const { port } = await serve([Events])
    const { stream } = await open(port)
    stream.close()
    const told = vi.fn()
    stream.onClose(told)
    expect(told).toHaveBeenCalledTimes(1)
  })

  test('is told to all, also when one of them throws', async () => {
    const { port } = await serve([Events])
    const { stream } = await open(port)
    const told = vi.fn()
    const fail = () => {
      throw new Error('callback failed')
    }
    stream.onClose(fail)
    stream.onClose(told)
    stream.close()
    stream.onClose(fail)
    expect(told).toHaveBeenCalledTimes(1)
    expect(logged.filter(line => line.includes('callback failed'))).toHaveLength(2)
  })

  test('was there from the start for a client that left before it opened', async () => {
    const { port } = await serve([Events])
    const arrived = new Promise<RequestContext>(resolve => {
      before = ctx => {
        resolve(ctx)
        return new Promise<void>(left => ctx.res.once('close', () => left()))
      }
    })
    const opening = open(port)
    const ctx = await arrived
    ctx.req.socket.destroy()
    const { stream } = await opening
    const told = vi.fn()
    stream.onClose(told)
    stream.send(1)
    expect([stream.closed, told.mock.calls.length]).toEqual([true, 1])
  })

  test('comes when its handler fails after it has opened', async () => {
    const { port } = await serve([Events])
    const client = raw(port)
    opened = () => {
      throw new Error('handler failed')
    }
    client.socket.write('GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n')
    await client.closed
    expect(streams.map(stream => stream.closed)).toEqual([true])
  })
})

/** Writes until the kernels on the way take no more, for a few turns of the event loop. */
async function fill(stream: EventStream) {
  const frame = encodeEvent('x'.repeat(1_000_000))
  for (let turnsBehind = 0; turnsBehind < 20; ) {
    if (!stream.isBehind) stream.write(frame)
    await new Promise(resolve => setImmediate(resolve))
    turnsBehind = stream.isBehind ? turnsBehind + 1 : 0
  }
}

async function untilConnected(app: Application, count: number) {
  const server = app.getHttpServer()
  const connections = () => new Promise(resolve => server.getConnections((_error, found) => resolve(found)))
  while ((await connections()) !== count) await new Promise(resolve => setImmediate(resolve))
}

/** Lets the time pass that an ended stream may take, and has the server's end of its connection. */
function watchDeadline() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  let found: Socket | undefined
  before = ({ req }) => {
    found = req.socket
  }
  return {
    expire: (ms: number) => vi.advanceTimersByTime(ms),
    socketOf: () => {
      if (!found) throw new Error('Nobody has connected')
      return found
    },
  }
}

describe('a slow reader', () => {
  test('is cut off once more waits for it than its bound', async () => {
    options = { maxBufferedBytes: 100_000 }
    const { port } = await serve([Events])
    const { stream, socket } = await open(port)
    const told = vi.fn()
    stream.onClose(told)
    socket.pause()
    const frame = encodeEvent('x'.repeat(50_000))
    let written = 0
    await until(() => {
      stream.write(frame)
      written += frame.length
      return stream.closed
    })
    expect(told.mock.calls).toEqual([['slow']])
    expect(written).toBeLessThan(50_000_000)
  })

  test('is cut off with more than 256 KiB waiting, if no bound is given', async () => {
    let waiting = 0
    let waits = () => 0
    before = ({ res }) => {
      waits = () => res.writableLength
    }
    const { port } = await serve([Events])
    const { stream, socket } = await open(port)
    socket.pause()
    const frame = encodeEvent('x'.repeat(10_000))
    await until(() => {
      waiting = Math.max(waiting, waits())
      stream.write(frame)
      return stream.closed
    })
    expect(waiting).toBeGreaterThan(262_144)
    expect(waiting).toBeLessThan(300_000)
  })

  test('is cut off once it has taken nothing for eight seconds, and its connection is gone', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    options = { heartbeatMs: 0, maxBufferedBytes: Number.POSITIVE_INFINITY }
    const { app, port } = await serve([Events])
    const [stalled, idle] = [await open(port), await open(port)]
    const told = vi.fn()
    stalled.stream.onClose(told)
    stalled.socket.pause()
    await fill(stalled.stream)
    vi.advanceTimersByTime(8_000)
    expect(stalled.stream.closed).toBe(false)
    vi.advanceTimersByTime(1_000)
    expect(told.mock.calls).toEqual([['slow']])
    expect(idle.stream.closed).toBe(false)
    await untilConnected(app, 1)
  })

  test('may be cut off by whoever knows him to be slow, at once and counted as that', async () => {
    const { app, port } = await serve([Events])
    const { stream, socket } = await open(port)
    const told = vi.fn()
    stream.onClose(told)
    socket.pause()
    await fill(stream)
    stream.cutOff()
    stream.cutOff()
    expect(told.mock.calls).toEqual([['slow']])
    await untilConnected(app, 0)
  })

  test('does not keep the connection of a stream that has ended', async () => {
    const { expire, socketOf } = watchDeadline()
    options = { maxBufferedBytes: Number.POSITIVE_INFINITY }
    const { app, port } = await serve([Events])
    const { stream, socket } = await open(port)
    socket.pause()
    await fill(stream)
    stream.close()
    expire(1_900)
    expect(socketOf().destroyed).toBe(false)
    expire(200)
    expect(socketOf().destroyed).toBe(true)
    await untilConnected(app, 0)
  })

  test('who takes the rest of a stream in time keeps his connection', async () => {
    const { expire, socketOf } = watchDeadline()
    options = { maxBufferedBytes: Number.POSITIVE_INFINITY }
    const { port } = await serve([Events])
    const { stream, socket, seen, received } = await open(port)
    const inside = socketOf()
    socket.pause()
    await fill(stream)
    stream.close()
    expire(1_900)
    socket.resume()
    await until(() => received().endsWith('\n\n\r\n0\r\n\r\n'))
    expire(10_000)
    expect(inside.destroyed).toBe(false)
    socket.write('GET /api/v1/nowhere HTTP/1.1\r\nHost: x\r\n\r\n')
    await seen('HTTP/1.1 404')
  })

  test('that still takes something is not cut off, and neither is one that catches up', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    options = { heartbeatMs: 0, maxBufferedBytes: Number.POSITIVE_INFINITY }
    const { port } = await serve([Events])
    const { stream, socket } = await open(port)
    socket.pause()
    await fill(stream)
    for (let round = 0; round < 5; round++) {
      vi.advanceTimersByTime(6_000)
      socket.resume()
      await until(() => !stream.isBehind)
      socket.pause()
      await fill(stream)
    }
    expect(stream.closed).toBe(false)
  })

  test('is behind, which one who has only just been written to is not', async () => {
    options = { maxBufferedBytes: Number.POSITIVE_INFINITY, retryMs: 1_000 }
    const { port } = await serve([Events])
    const { stream, socket } = await open(port)
    expect(stream.isBehind).toBe(false)
    stream.send('one')
    stream.send('two')
    expect(stream.isBehind).toBe(false)
    socket.pause()
    await fill(stream)
    expect(stream.isBehind).toBe(true)
    stream.send('three')
    expect(stream.isBehind).toBe(true)
    socket.resume()
    await until(() => !stream.isBehind)
  })

  test('does not hold up the others', async () => {
    options = { maxBufferedBytes: 100_000 }
    const { port } = await serve([Events])
    const slow = await open(port)
    const quick = await open(port)
    slow.socket.pause()
    const frame = encodeEvent('x'.repeat(10_000))
    await until(() => {
      slow.stream.write(frame)
      quick.stream.write(encodeEvent('short'))
      return slow.stream.closed
    })
    quick.stream.send('end')
    await quick.seen('data: "end"')
    expect(quick.stream.closed).toBe(false)
  })

  test('may be sent one event larger than its bound, or many in one turn up to it', async () => {
    options = { maxBufferedBytes: 100_000 }
    const { port } = await serve([Events])
    const { stream, seen } = await open(port)
    stream.send('x'.repeat(300_000))
    await seen('x"\n\n')
    for (let n = 0; n < 90; n++) stream.send('y'.repeat(1000))
    stream.send('end')
    await seen('"end"')
  })
})

describe('heartbeats', () => {
  test('reach every stream from one timer, which ends with the last of them', async () => {
    options = { heartbeatMs: 7 }
    const { port } = await serve([Events])
    const timers = vi.spyOn(globalThis, 'setInterval')
    const cleared = vi.spyOn(globalThis, 'clearInterval')
    const clients = [await open(port), await open(port), await open(port)]
    await Promise.all(clients.map(({ seen }) => seen(':\n\n')))
    const mine = timers.mock.results.filter((_, call) => timers.mock.calls[call]?.[1] === 7)
    expect(mine).toHaveLength(1)
    for (const { stream } of clients.slice(1)) stream.close()
    expect(cleared).not.toHaveBeenCalledWith(mine[0]?.value)
    clients[0]?.socket.destroy()
    await until(() => clients.every(({ stream }) => stream.closed))
    expect(cleared).toHaveBeenCalledWith(mine[0]?.value)
  })

  test('can be left out, and the stream still ends with the application', async () => {
    options = { heartbeatMs: 0 }
    const timers = vi.spyOn(globalThis, 'setInterval')
    const { app, port } = await serve([Events])
    const { stream } = await open(port)
    expect(timers).not.toHaveBeenCalledWith(expect.anything(), 0)
    await app.shutdown()
    expect(stream.closed).toBe(true)
  })

  test('of different rhythms do not mix, and a later stream starts its own again', async () => {
    const { port } = await serve([Events])
    options = { heartbeatMs: 60_000 }
    const calm = await open(port)
    options = { heartbeatMs: 5 }
    const lively = await open(port)
    await lively.seen(':\n\n')
    lively.stream.close()
    await (await open(port)).seen(':\n\n')
    expect(calm.received()).not.toContain(':\n\n')
  })
})
