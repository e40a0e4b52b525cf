import { Writable } from 'node:stream'
import { HttpException, Logger, methodFlag } from '@forinda/kickjs-core'
import {
  type MessageContext,
  OnConnect,
  OnError,
  OnMessage,
  type WsContext,
  WsController,
} from '@forinda/kickjs-ws'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { heard, next, serve, transports } from './harness.js'

const greet = z.strictObject({ name: z.string().trim().min(1), times: z.number().default(1) })

@WsController('/messages')
class MessagesController {
  @OnMessage('greet', greet)
  greet(ctx: MessageContext<typeof greet>) {
    return Array.from({ length: ctx.data.times }, () => `hello ${ctx.data.name}`)
  }

  @OnMessage('echo')
  async echo(ctx: WsContext) {
    return ctx.data
  }

  @OnMessage('nothing')
  nothing() {}

  @OnMessage('refuse')
  refuse() {
    throw HttpException.conflict('Taken', {
      code: 'NAME_TAKEN',
      retryAfterMs: 250,
      details: { takenBy: 'ann', code: 'HIDDEN' },
    })
  }

  @OnMessage('refuse:later')
  async refuseLater() {
    await Promise.resolve()
    throw HttpException.tooManyRequests('Slow down')
  }

  @OnMessage('break')
  break() {
    throw new Error('password=secret')
  }

  @OnMessage('break:string')
  async breakWithString() {
    throw 'password=secret'
  }

  @OnMessage('unprintable')
  unprintable() {
    return { large: 1n }
  }

  @OnMessage('endless')
  endless() {
    const self: Record<string, unknown> = {}
    self.self = self
    return self
  }
}

const controllers = [MessagesController]

describe.each(transports)('over %s', transport => {
  const options = { transports: [transport] }

  test('the ack holds what the handler returned, parsed by the schema', async () => {
    const client = await (await serve({ controllers })).connect('/messages', options)
    expect(await client.emitWithAck('greet', { name: ' Ada ' })).toEqual({ ok: true, data: ['hello Ada'] })
    expect(await client.emitWithAck('echo', { a: [1, null] })).toEqual({ ok: true, data: { a: [1, null] } })
  })

  test('a handler that returns nothing acknowledges null', async () => {
    const client = await (await serve({ controllers })).connect('/messages', options)
    expect(await client.emitWithAck('nothing')).toEqual({ ok: true, data: null })
  })

  test('an HttpException is the error ack, with its code, wait and details', async () => {
    const client = await (await serve({ controllers })).connect('/messages', options)
    const error = { code: 'NAME_TAKEN', message: 'Taken', retryAfterMs: 250, takenBy: 'ann' }
    expect(await client.emitWithAck('refuse')).toEqual({ ok: false, error })
    expect(await client.emitWithAck('refuse:later')).toEqual({
      ok: false,
      error: { code: 'TOO_MANY_REQUESTS', message: 'Slow down' },
    })
  })

  test('without an ack function a failure arrives as event error, a success as nothing', async () => {
    const client = await (await serve({ controllers })).connect('/messages', options)
    const events = heard(client)
    client.emit('greet', { name: 'Ada' })
    client.emit('refuse')
    client.emit('nonsense', 1)
    await client.emitWithAck('nothing')
    expect(events).toEqual([
      ['error', { code: 'NAME_TAKEN', message: 'Taken', retryAfterMs: 250, takenBy: 'ann', event: 'refuse' }],
      ['error', { code: 'UNKNOWN_EVENT', message: 'There is no such event', event: 'nonsense' }],
    ])
  })

  test('input that the schema refuses is answered with the fields at fault', async () => {
    const client = await (await serve({ controllers })).connect('/messages', options)
    const answer = await client.emitWithAck('greet', { name: 7, times: 'x' })
    expect(answer).toMatchObject({ ok: false, error: { code: 'VALIDATION_ERROR' } })
    expect(answer.error.errors).toEqual([
      { path: 'name', message: expect.any(String) },
      { path: 'times', message: expect.any(String) },
    ])
    for (const payload of [null, undefined, 'text', [], 4, { name: 'a', unknown: 1 }, '\0', '\ud800']) {
      expect(await client.emitWithAck('greet', payload)).toMatchObject({
        ok: false,
        error: { code: 'VALIDATION_ERROR', errors: [expect.anything()] },
      })
    }
  })

  test('a second payload argument and a binary payload fail validation', async () => {
    const client = await (await serve({ controllers })).connect('/messages', options)
    const invalid = { ok: false, error: { code: 'VALIDATION_ERROR' } }
    expect(await client.emitWithAck('greet', { name: 'Ada' }, 1)).toMatchObject(invalid)
    expect(await client.emitWithAck('echo', 1, 2)).toMatchObject(invalid)
    expect(await client.emitWithAck('greet', Buffer.from('{"name":"Ada"}'))).toMatchObject(invalid)
    expect(await client.emitWithAck('greet', { name: Buffer.from('Ada') })).toMatchObject(invalid)
    expect(await client.emitWithAck('echo', Buffer.from('raw'))).toEqual({
      ok: true,
      data: Buffer.from('raw'),
    })
  })

  test('names of Object.prototype and other odd names are unknown events', async () => {
    const client = await (await serve({ controllers })).connect('/messages', options)
    for (const event of [
      '__proto__',
      'constructor',
      'toString',
      'hasOwnProperty',
      '*',
      '',
      'error',
      '\0',
      '\ud800',
    ]) {
      expect(await client.emitWithAck(event, {})).toMatchObject({
        ok: false,
        error: { code: 'UNKNOWN_EVENT' },
      })
    }
  })
})

test('an unexpected error is answered without its text, logged with its stack, and the socket lives', async () => {
  const lines: string[] = []
  const destination = new Writable({ write: (line, _encoding, done) => done(void lines.push(String(line))) })
  Logger.configure({ level: 'error' }, destination)
  onTestFinished(() => Logger.configure({ level: 'silent' }))
  const client = await (await serve({ controllers })).connect('/messages')
  for (const event of ['break', 'break:string', 'unprintable', 'endless']) {
    const answer = await client.emitWithAck(event, { token: 'abc' })
    expect(answer).toEqual({
      ok: false,
      error: { code: 'INTERNAL_SERVER_ERROR', message: expect.not.stringContaining('secret') },
    })
  }
  expect(await client.emitWithAck('nothing')).toEqual({ ok: true, data: null })
  const [first] = lines.map(line => JSON.parse(line))
  expect(first).toMatchObject({ event: 'break', namespace: '/messages', socketId: client.id })
  expect(first.err.stack).toContain('messages.test')
  expect(lines).toHaveLength(4)
  expect(lines.join()).not.toContain('abc')
})

test('ctx.user is what was set, and 401 where nothing was', async () => {
  @WsController('/users')
  class UsersController {
    @OnMessage('login')
    login(ctx: WsContext) {
      ctx.set('user', { id: ctx.data })
    }
    @OnMessage('whoami')
    whoami(ctx: WsContext) {
      return [ctx.user, ctx.socket.data.user, ctx.get('toast') ?? 'none']
    }
  }
  const client = await (await serve({ controllers: [UsersController] })).connect('/users')
  expect(await client.emitWithAck('whoami')).toMatchObject({ error: { code: 'UNAUTHORIZED' } })
  await client.emitWithAck('login', 'u1')
  expect(await client.emitWithAck('whoami')).toEqual({ ok: true, data: [{ id: 'u1' }, { id: 'u1' }, 'none'] })
})

test("'*' takes every event that has no handler, and a named handler still wins", async () => {
  @WsController('/any')
  class AnyController {
    @OnMessage('*')
    any(ctx: WsContext) {
      return [ctx.event, ctx.data]
    }
    @OnMessage('known')
    known() {
      return 'known'
    }
  }
  const client = await (await serve({ controllers: [AnyController] })).connect('/any')
  expect(await client.emitWithAck('known')).toEqual({ ok: true, data: 'known' })
  for (const event of ['whatever', 'error', '*', '__proto__', 'constructor']) {
    expect(await client.emitWithAck(event, 1)).toEqual({ ok: true, data: [event, 1] })
  }
})

test('guards run in order before validation, know the handler, and may refuse', async () => {
  const Open = methodFlag<true>('open')
  @WsController('/guarded')
  class GuardedController {
    @OnConnect()
    connect(ctx: WsContext) {
      ctx.send('connected')
    }
    @Open(true)
    @OnMessage('open', z.string())
    open(ctx: WsContext<string>) {
      return ctx.data
    }
    @OnMessage('closed', z.string())
    closed() {}
  }
  const calls: unknown[] = []
  const { open } = await serve({
    controllers: [GuardedController],
    guards: [
      async (ctx, call) => {
        await Promise.resolve()
        calls.push([call.event, call.handler, call.controller, ctx.data])
      },
      (_ctx, { controller, handler }) => {
        if (!Open.of(controller, handler)) throw HttpException.unauthorized()
      },
    ],
  })
  const client = open('/guarded')
  await next(client, 'connected')
  expect(calls).toEqual([])
  expect(await client.emitWithAck('closed', 7)).toMatchObject({ error: { code: 'UNAUTHORIZED' } })
  expect(await client.emitWithAck('open', 7)).toMatchObject({ error: { code: 'VALIDATION_ERROR' } })
  expect(await client.emitWithAck('open', 'x')).toEqual({ ok: true, data: 'x' })
  expect(await client.emitWithAck('absent')).toMatchObject({ error: { code: 'UNKNOWN_EVENT' } })
  expect(calls).toEqual([
    ['closed', 'closed', GuardedController, 7],
    ['open', 'open', GuardedController, 7],
    ['open', 'open', GuardedController, 'x'],
  ])
})

test('@OnError is told of every failure of its namespace, and may fail itself', async () => {
  const told: unknown[] = []
  @WsController('/told')
  class FailingController {
    @OnMessage('fail')
    fail() {
      throw HttpException.gone('Gone')
    }
  }
  @WsController('told')
  class TellingController {
    @OnError()
    async error(ctx: WsContext, error: unknown) {
      told.push([ctx.event, error])
      throw new Error('and again')
    }
  }
  const { connect } = await serve({ controllers: [FailingController, TellingController] })
  const client = await connect('/told')
  expect(await client.emitWithAck('fail')).toMatchObject({ error: { code: 'GONE' } })
  expect(await client.emitWithAck('absent')).toMatchObject({ error: { code: 'UNKNOWN_EVENT' } })
  expect(told).toEqual([
    ['fail', expect.objectContaining({ code: 'GONE' })],
    ['absent', expect.objectContaining({ code: 'UNKNOWN_EVENT' })],
  ])
})

test('a handler whose context does not fit its schema does not compile', () => {
  class TypedController {
    @OnMessage('greet', greet)
    greet(ctx: MessageContext<typeof greet>): string {
      return ctx.data.name
    }
    // @ts-expect-error the schema gives an object
    @OnMessage('number', greet)
    number(ctx: WsContext<number>): number {
      return ctx.data
    }
  }
  expect(TypedController).toBeTypeOf('function')
})
