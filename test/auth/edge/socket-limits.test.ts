import type { WsContext } from '@forinda/kickjs-ws'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { SocketLimits } from '../../../src/http/limits/socket-limits.js'
import { register } from '../../support/api.js'
import { startApp, type TestApp } from '../../support/app.js'
import { connectChat } from '../../support/chat.js'

let app: TestApp
beforeAll(async () => {
  app = await startApp({ config: { rateLimits: true } })
})
afterAll(() => app.stop())

const times = (count: number) => Array.from({ length: count }, (_, n) => n)

/** The errors of those that were told to wait. */
const limitedOf = (answers: { error: { code: string; retryAfterMs: number } }[]) =>
  answers.map(({ error }) => error).filter(({ code }) => code === 'RATE_LIMITED')

describe('a user is told to wait, and nobody else', () => {
  test('after 300 events in three seconds, on all his sockets', async () => {
    const [ann, bob] = [await register(app.origin, 'Ann'), await register(app.origin, 'Bob')]
    const sockets = await Promise.all(times(3).map(() => connectChat(app.origin, ann.accessToken)))
    const others = await connectChat(app.origin, bob.accessToken)
    const answers = await Promise.all(
      times(302).map(n => sockets[n % 3]?.ask('channel:typing', { channelId: n })),
    )
    const limited = limitedOf(answers)
    expect(limited).toHaveLength(2)
    expect(limited[0]?.retryAfterMs).toBeGreaterThan(0)
    expect(limited[0]?.retryAfterMs).toBeLessThanOrEqual(3_000)
    expect((await others.ask('channel:typing', {})).error.code).toBe('VALIDATION_ERROR')
    for (const client of [...sockets, others]) client.close()
  })

  test('after 150 events in two seconds on one socket, which cost his other sockets nothing', async () => {
    const ann = await register(app.origin, 'Ann')
    const [busy, another] = [
      await connectChat(app.origin, ann.accessToken),
      await connectChat(app.origin, ann.accessToken),
    ]
    const limited = limitedOf(await Promise.all(times(250).map(() => busy.ask('channel:typing', {}))))
    expect(limited).toHaveLength(100)
    expect(limited[0]?.retryAfterMs).toBeLessThanOrEqual(2_000)
    expect(limitedOf(await Promise.all(times(150).map(() => another.ask('channel:typing', {}))))).toEqual([])
    for (const client of [busy, another]) client.close()
  })

  test('after 150 events, whether there are such events or not', async () => {
    const chat = await connectChat(app.origin, (await register(app.origin, 'Ann')).accessToken)
    const limited = limitedOf(await Promise.all(times(160).map(() => chat.ask('no:such'))))
    expect(limited).toHaveLength(10)
    chat.close()
  })

  test('strangers each on his own', async () => {
    const [stranger, another] = [await connectChat(app.origin), await connectChat(app.origin)]
    const answers = await Promise.all(times(151).map(() => stranger.ask('auth', { token: 'x' })))
    expect(limitedOf(answers)).toHaveLength(1)
    expect((await another.ask('auth', { token: 'x' })).error.code).toBe('UNAUTHENTICATED')
    stranger.close()
    another.close()
  })
})

describe('joins', () => {
  const limits = () => app.container.resolve(SocketLimits)

  /** One event of a user, as the throttle sees it. */
  function attempt(userId: string, event: string, { socketId = 'a socket', rooms = 3 } = {}) {
    const socket = { rooms: { size: rooms } }
    const ctx = { id: socketId, event, socket, get: () => ({ id: userId }) } as unknown as WsContext
    return limits().throttle(ctx)
  }

  test('are 600 in ten seconds for each user, of channels and projects together', async () => {
    vi.useFakeTimers()
    for (const round of times(2)) {
      for (const n of times(300)) {
        await attempt('joiner', n % 2 ? 'channel:join' : 'project:join', { socketId: `${n % 3}` })
      }
      vi.advanceTimersByTime(3_000 + round)
    }
    const refused = { code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) }
    await expect(attempt('joiner', 'project:join')).rejects.toMatchObject(refused)
    await attempt('joiner', 'message:send')
    await attempt('another', 'channel:join')
    vi.advanceTimersByTime(4_000)
    await attempt('joiner', 'channel:join')
    vi.useRealTimers()
  })

  test('end when a socket is in 2,000 rooms, while all else goes on', async () => {
    await attempt('collector', 'channel:join', { rooms: 1_999 })
    const full = attempt('collector', 'channel:join', { rooms: 2_000 })
    await expect(full).rejects.toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 1_000 })
    await attempt('collector', 'message:send', { rooms: 2_000 })
  })
})

test('none of it where limits are off', async () => {
  const free = await startApp({ config: { rateLimits: false } })
  const ann = await register(free.origin, 'Ann')
  const chat = await connectChat(free.origin, ann.accessToken)
  expect(limitedOf(await Promise.all(times(400).map(() => chat.ask('channel:typing', {}))))).toEqual([])
  chat.close()
  await free.stop()
})
