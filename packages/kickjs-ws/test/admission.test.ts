import { HttpException } from '@forinda/kickjs-core'
import {
  type AdmissionRequest,
  addressOf,
  OnMessage,
  type WsAdapterOptions,
  type WsContext,
  WsController,
} from '@forinda/kickjs-ws'
import { describe, expect, test, vi } from 'vitest'
import { next, raw, serve, transports } from './harness.js'

@WsController('/guarded')
class GuardedController {
  @OnMessage('address')
  address(ctx: WsContext) {
    return [ctx.address, addressOf(ctx.socket)]
  }
}

const options = { controllers: [GuardedController] }
const never = () => new Promise<void>(() => {})

describe.each(transports)('over %s, a client', transport => {
  const over = { transports: [transport], reconnection: false }

  test('is let in by who does not throw, who is told where it is from and what it says', async () => {
    const requests: AdmissionRequest[] = []
    const admit = async (request: AdmissionRequest) => void requests.push(request)
    const { connect } = await serve({ ...options, admit })
    const auth = { token: 'secret' }
    await connect('/guarded', { ...over, auth, extraHeaders: { 'x-client': 'test' } })
    expect(requests).toEqual([
      {
        address: expect.stringContaining('127.0.0.1'),
        headers: expect.objectContaining({ 'x-client': 'test' }),
        auth,
        onClose: expect.any(Function),
      },
    ])
  })

  test('that is refused learns why, and when to try again', async () => {
    const admit = () => {
      throw HttpException.tooManyRequests('Too many from there', {
        code: 'RATE_LIMITED',
        retryAfterMs: 7_000,
        details: { limit: 3 },
      })
    }
    const { open, adapter } = await serve({ ...options, admit })
    const refused = await next(open('/guarded', over), 'connect_error')
    expect(refused).toMatchObject({
      message: 'Too many from there',
      data: { code: 'RATE_LIMITED', message: 'Too many from there', retryAfterMs: 7_000, limit: 3 },
    })
    expect(adapter.io.of('/guarded').sockets.size).toBe(0)
  })
})

test('what admit throws is translated; what nobody knows is no more than a failure', async () => {
  const admit = async ({ auth }: AdmissionRequest) => {
    throw new Error(Object(auth).error)
  }
  const translateError = (error: unknown) =>
    error instanceof Error && error.message === 'known' ? HttpException.serviceUnavailable('Later') : error
  const { open } = await serve({ ...options, admit, translateError })
  const failure = async (error: string) => next(open('/guarded', { auth: { error } }), 'connect_error')
  expect(await failure('known')).toMatchObject({ data: { code: 'SERVICE_UNAVAILABLE', message: 'Later' } })
  expect(await failure('secret')).toMatchObject({
    data: { code: 'INTERNAL_SERVER_ERROR', message: 'Internal Server Error' },
  })
})

test('who is over maxConnections is not even asked about', async () => {
  const admit = vi.fn()
  const { open, connect } = await serve({ ...options, admit, maxConnections: 1 })
  await connect('/guarded')
  const refused = await next(open('/guarded'), 'connect_error')
  expect(refused).toMatchObject({
    data: { code: 'RATE_LIMITED', message: 'Too many connections', retryAfterMs: 5_000 },
  })
  expect(admit).toHaveBeenCalledTimes(1)
})

test('the end of a client is told to who asked for it, however it ends, and at once if it is over', async () => {
  const there = new Set<string>()
  const left: AdmissionRequest[] = []
  const admit = async (request: AdmissionRequest) => {
    const { name } = Object(request.auth)
    left.push(request)
    there.add(name)
    request.onClose(() => there.delete(name))
    if (name === 'refused') throw HttpException.forbidden()
    if (name === 'pending') await never()
  }
  const { port } = await serve({ ...options, admit })
  const client = await raw(port)
  const refused = client.next('44/guarded')
  client.send('40/guarded,{"name":"refused"}')
  await refused
  expect([...there]).toEqual([])
  const admitted = client.next('40/guarded')
  client.send('40/guarded,{"name":"admitted"}')
  await admitted
  expect([...there]).toEqual(['admitted'])
  client.send('41/guarded,')
  await vi.waitFor(() => expect([...there]).toEqual([]))
  client.send('40/guarded,{"name":"pending"}')
  await vi.waitFor(() => expect([...there]).toEqual(['pending']))
  client.socket.terminate()
  await vi.waitFor(() => expect([...there]).toEqual([]))
  const late = vi.fn()
  left[1]?.onClose(late)
  expect(late).toHaveBeenCalledTimes(1)
})

test('a connection may ask as often at once as it likes, without a warning', async () => {
  const warned = vi.fn()
  process.on('warning', warned)
  const ends = vi.fn()
  const asked: (() => void)[] = []
  const admit = async ({ onClose }: AdmissionRequest) => {
    onClose(ends)
    await new Promise<void>(resolve => asked.push(resolve))
    throw HttpException.forbidden()
  }
  const { port } = await serve({ ...options, admit })
  const client = await raw(port)
  for (let count = 0; count < 100; count++) client.send('40/guarded,')
  await vi.waitFor(() => expect(asked).toHaveLength(100))
  for (const answer of asked) answer()
  await vi.waitFor(() => expect(ends).toHaveBeenCalledTimes(100))
  process.off('warning', warned)
  expect(warned).not.toHaveBeenCalled()
})

describe('the address of a client', () => {
  const addressWith = async (adapterOptions: WsAdapterOptions, forwarded?: string) => {
    const { connect } = await serve({ ...options, ...adapterOptions })
    const extraHeaders = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
    const client = await connect('/guarded', { extraHeaders })
    const { data } = await client.emitWithAck('address')
    expect(data[0]).toBe(data[1])
    return data[0]
  }
  const peer = expect.stringMatching(/^(::ffff:)?127\.0\.0\.1$/)

  test('is that of the peer, whatever it says of itself', async () => {
    expect(await addressWith({})).toEqual(peer)
    expect(await addressWith({}, '10.1.2.3')).toEqual(peer)
    expect(await addressWith({ trustProxy: 0 }, '10.1.2.3')).toEqual(peer)
  })

  test('is what the last of the trusted proxies says, as with Express', async () => {
    const forwarded = '6.6.6.6, 10.1.2.3 ,10.0.0.1'
    expect(await addressWith({ trustProxy: 1 }, forwarded)).toBe('10.0.0.1')
    expect(await addressWith({ trustProxy: 2 }, forwarded)).toBe('10.1.2.3')
    expect(await addressWith({ trustProxy: 9 }, forwarded)).toBe('6.6.6.6')
    expect(await addressWith({ trustProxy: 1 })).toEqual(peer)
    expect(await addressWith({ trustProxy: 1 }, ' , ')).toEqual(peer)
  })
})
