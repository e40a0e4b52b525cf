import { afterAll, beforeAll, expect, test } from 'vitest'
import { register } from '../../support/api.js'
import { startApp, type TestApp } from '../../support/app.js'
import { connectChat } from '../../support/chat.js'

const BURST = 300
const oneMore = Array.from({ length: BURST + 1 })

let app: TestApp
beforeAll(async () => {
  app = await startApp({ config: { rateLimits: true } })
})
afterAll(() => app.stop())

test('after 300 events in three seconds a user is told to wait, on all his sockets, and nobody else', async () => {
  const [ann, bob] = [await register(app.origin, 'Ann'), await register(app.origin, 'Bob')]
  const [first, second] = [
    await connectChat(app.origin, ann.accessToken),
    await connectChat(app.origin, ann.accessToken),
  ]
  const others = await connectChat(app.origin, bob.accessToken)
  const answers = await Promise.all(
    oneMore.map((_, n) => (n % 2 ? first : second).ask('channel:typing', { channelId: n })),
  )
  const limited = answers.filter(({ error }) => error.code === 'RATE_LIMITED')
  expect(limited).toHaveLength(1)
  expect(limited[0].error.retryAfterMs).toBeGreaterThan(0)
  expect(limited[0].error.retryAfterMs).toBeLessThanOrEqual(3_000)
  expect((await others.ask('channel:typing', {})).error.code).toBe('VALIDATION_ERROR')
  for (const client of [first, second, others]) client.close()
})

test('strangers are counted each on his own', async () => {
  const [stranger, another] = [await connectChat(app.origin), await connectChat(app.origin)]
  const answers = await Promise.all(oneMore.map(() => stranger.ask('auth', { token: 'x' })))
  expect(answers.map(({ error }) => error.code).filter(code => code === 'RATE_LIMITED')).toHaveLength(1)
  expect((await another.ask('auth', { token: 'x' })).error.code).toBe('UNAUTHENTICATED')
  stranger.close()
  another.close()
})
