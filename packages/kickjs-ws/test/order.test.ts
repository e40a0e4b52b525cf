import { EventEmitter, once } from 'node:events'
import {
  OnConnect,
  OnDisconnect,
  OnMessage,
  type WsAdapter,
  type WsContext,
  WsController,
} from '@forinda/kickjs-ws'
import { describe, expect, test } from 'vitest'
import { heard, next, serve, transports } from './harness.js'

/** A promise and the function that resolves it. */
function gate() {
  let open = () => {}
  const passed = new Promise<void>(resolve => {
    open = resolve
  })
  return { open, passed }
}

describe.each(transports)('over %s', transport => {
  test('no event is handled before @OnConnect has finished, and none is lost', async () => {
    const connecting = gate()
    const log: string[] = []
    @WsController('/order')
    class OrderController {
      @OnConnect()
      async connect() {
        await connecting.passed
        log.push('connect')
      }
      @OnMessage('event')
      event(ctx: WsContext) {
        log.push(ctx.data)
      }
    }
    const { connect, adapter } = await serve({ controllers: [OrderController] })
    const { received } = observe(adapter, '/order')
    const client = await connect('/order', { transports: [transport] })
    const reached = received(2)
    const answers = ['a', 'b'].map(name => client.emitWithAck('event', name))
    await reached
    expect(log).toEqual([])
    connecting.open()
    await Promise.all(answers)
    expect(log).toEqual(['connect', 'a', 'b'])
  })

  test('events received before a disconnect run, and @OnDisconnect comes last', async () => {
    const sending = gate()
    const ended = gate()
    const log: unknown[] = []
    @WsController('/last')
    class LastController {
      @OnMessage('send')
      async send(ctx: WsContext) {
        await sending.passed
        log.push(ctx.data)
      }
      @OnDisconnect()
      disconnect(ctx: WsContext) {
        log.push(ctx.data)
        ended.open()
      }
    }
    const { connect, adapter } = await serve({ controllers: [LastController] })
    const { received, disconnected } = observe(adapter, '/last')
    const client = await connect('/last', { transports: [transport] })
    const reached = received(2)
    client.emit('send', 1)
    client.emit('send', 2)
    await reached
    client.disconnect()
    await disconnected
    sending.open()
    await ended.passed
    expect(log).toEqual([1, 2, { reason: expect.any(String) }])
  })
})

test('an event that comes in one poll with the close is handled before @OnDisconnect', async () => {
  const ended = gate()
  const log: unknown[] = []
  @WsController('/poll')
  class PollController {
    @OnMessage('send')
    send(ctx: WsContext) {
      log.push(ctx.data)
    }
    @OnDisconnect()
    disconnect() {
      log.push('disconnect')
      ended.open()
    }
  }
  const { origin } = await serve({ controllers: [PollController] })
  const url = `${origin}/ws/?EIO=4&transport=polling`
  const { sid } = JSON.parse((await (await fetch(url)).text()).slice(1))
  const post = (...packets: string[]) =>
    fetch(`${url}&sid=${sid}`, { method: 'POST', body: packets.join('\x1e') })
  await post('40/poll,')
  await fetch(`${url}&sid=${sid}`)
  await post('42/poll,["send",1]', '42/poll,["send",2]', '1')
  await ended.passed
  expect(log).toEqual([1, 2, 'disconnect'])
})

test('a burst of concurrent events is handled together, in the order sent', async () => {
  const released = gate()
  const started: number[] = []
  @WsController('/burst')
  class BurstController {
    @OnMessage('send', undefined, { concurrent: true })
    async send(ctx: WsContext) {
      started.push(ctx.data)
      await (started.length === 200 ? released.open() : released.passed)
      return ctx.data
    }
  }
  const { connect } = await serve({ controllers: [BurstController] })
  const client = await connect('/burst')
  const numbers = Array.from({ length: 200 }, (_, index) => index)
  const answers = await Promise.all(numbers.map(number => client.emitWithAck('send', number)))
  expect(started).toEqual(numbers)
  expect(answers.map(answer => answer.data)).toEqual(numbers)
})

test('the event after 1,000 waiting ones is answered RATE_LIMITED, the others run', async () => {
  const released = gate()
  @WsController('/flood')
  class FloodController {
    @OnMessage('hold')
    hold() {
      return released.passed
    }
  }
  const { connect } = await serve({ controllers: [FloodController] })
  const client = await connect('/flood')
  const held = Array.from({ length: 1_001 }, () => client.emitWithAck('hold'))
  const events = heard(client)
  const refused = await client.emitWithAck('hold')
  expect(refused).toEqual({
    ok: false,
    error: { code: 'RATE_LIMITED', message: expect.any(String), retryAfterMs: 1_000 },
  })
  client.emit('hold')
  await next(client, 'error')
  released.open()
  expect(new Set((await Promise.all(held)).map(answer => answer.ok))).toEqual(new Set([true]))
  expect(events).toEqual([['error', expect.objectContaining({ code: 'RATE_LIMITED', event: 'hold' })]])
})

/** What the server has got from the sockets of a namespace, as Socket.IO itself tells it. */
function observe({ io }: WsAdapter, namespace: string) {
  const observed = new EventEmitter()
  let count = 0
  io.of(namespace).on('connection', socket => {
    socket.onAny(() => observed.emit(`events ${++count}`))
    socket.once('disconnect', () => observed.emit('disconnect'))
  })
  return {
    received: (events: number) => once(observed, `events ${events}`),
    disconnected: once(observed, 'disconnect'),
  }
}

test('once events of eight times the largest are not done, the next one is answered RATE_LIMITED', async () => {
  const released = gate()
  @WsController('/heavy')
  class HeavyController {
    @OnMessage('hold', undefined, { concurrent: true })
    hold() {
      return released.passed
    }
  }
  const { connect } = await serve({ controllers: [HeavyController], maxPayload: 1_000 })
  const client = await connect('/heavy')
  const hold = () => client.emitWithAck('hold', 'x'.repeat(900))
  const held = Array.from({ length: 9 }, hold)
  expect(await hold()).toMatchObject({ ok: false, error: { code: 'RATE_LIMITED' } })
  released.open()
  expect((await Promise.all(held)).every(answer => answer.ok)).toBe(true)
  expect(await hold()).toMatchObject({ ok: true })
})
