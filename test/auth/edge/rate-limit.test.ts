import { randomUUID } from 'node:crypto'
import { verify } from '@node-rs/argon2'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { refuse } from '../../../src/errors.js'
import { RateLimits } from '../../../src/http/limits/rate-limits.js'
import { Api } from '../../support/api.js'
import { startApp, type TestApp } from '../../support/app.js'

vi.mock('@node-rs/argon2', { spy: true })

const password = 'correct horse'
let app: TestApp
let limits: RateLimits
let api: Api
let address = 0
let from: { headers: { 'x-forwarded-for': string } }
beforeAll(async () => {
  app = await startApp({ config: { rateLimits: true, trustProxy: 1 } })
  limits = app.container.resolve(RateLimits)
  api = new Api(app.origin)
})
/** Each test calls from an address of its own. */
beforeEach(() => {
  vi.clearAllMocks()
  from = { headers: { 'x-forwarded-for': `203.0.113.${++address}` } }
})
afterAll(() => app?.stop())

const elsewhere = { headers: { 'x-forwarded-for': '198.51.100.1' } }
const limited = { status: 429, body: { code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) } }

async function registered() {
  const email = `limits${address}@example.com`
  await api.post('/auth/register', { email, password, firstName: 'A', lastName: 'B' }, elsewhere)
  return email
}

const login = (email: string, tried: string, where = from) =>
  api.post('/auth/login', { email, password: tried }, where)

/** How many of these calls were let through. */
async function passed(calls: number, call: () => Promise<unknown>) {
  const outcomes = await Promise.allSettled(Array.from({ length: calls }, call))
  return outcomes.filter(({ status }) => status === 'fulfilled').length
}

describe('guessing a stream ticket', () => {
  const path = `/workspaces/${randomUUID()}/stats/live?ticket=guess`

  /** What one guess costs the database: the least of some, for the server has a pulse of its own. */
  async function cost(answer: object) {
    const costs: number[] = []
    for (let n = 0; n < 5; n++) {
      const before = app.statements()
      expect(await api.get(path, from)).toMatchObject(answer)
      costs.push(app.statements() - before)
    }
    return Math.min(...costs)
  }

  test('costs the database one look and no write, and from an address that has spent its requests nothing', async () => {
    expect(await cost({ status: 401, body: { code: 'INVALID_TICKET' } })).toBe(1)
    await passed(400, () => limits.anonymous(from.headers['x-forwarded-for']))
    expect(await cost(limited)).toBe(0)
  })
})

describe('signing in', () => {
  test('is refused after 10 failures, also with the right password, for this account from this address', async () => {
    const email = await registered()
    for (let n = 0; n < 10; n++) expect((await login(email, 'wrong horse')).status).toBe(401)
    const refused = await login(email, password)
    expect(refused).toMatchObject(limited)
    expect(refused.body.retryAfterMs).toBeLessThanOrEqual(15 * 60_000)
    expect(refused.headers.get('retry-after')).toBe(String(Math.ceil(refused.body.retryAfterMs / 1000)))
    expect((await login('other@example.com', password)).status).toBe(401)
    expect((await login(email, password, elsewhere)).status).toBe(200)
  })

  test('is not tried more often than that by 50 at once', async () => {
    const email = await registered()
    const answers = await Promise.all(Array.from({ length: 50 }, () => login(email, 'wrong horse')))
    const statuses = answers.map(({ status }) => status)
    expect([401, 429].map(status => statuses.filter(other => other === status).length)).toEqual([10, 40])
    expect(vi.mocked(verify)).toHaveBeenCalledTimes(10)
  })

  test('with the right password is never a failure, and forgives those before', async () => {
    const email = await registered()
    for (let round = 0; round < 2; round++) {
      for (let n = 0; n < 9; n++) expect((await login(email, 'wrong horse')).status).toBe(401)
      const answers = await Promise.all(Array.from({ length: 20 }, () => login(email, password)))
      expect(answers.every(({ status }) => status === 200)).toBe(true)
    }
  })

  test('is refused after 100 failures from one address, whatever the account', async () => {
    const guess = (n: number) =>
      limits.login('192.0.2.1', `guess${n}@example.com`, async () => {
        throw refuse('INVALID_CREDENTIALS')
      })
    const codes = await Promise.all(
      Array.from({ length: 120 }, (_, n) => guess(n).catch((error: { code: string }) => error.code)),
    )
    expect(codes.filter(code => code === 'INVALID_CREDENTIALS')).toHaveLength(100)
    expect(codes.slice(100)).toEqual(Array(20).fill('RATE_LIMITED'))
    expect(await limits.login('192.0.2.2', 'guess1@example.com', async () => 'in')).toBe('in')
  })

  test('does not count what is our own failure', async () => {
    const broken = () => limits.login('192.0.2.3', 'a@example.com', () => Promise.reject(new Error('broken')))
    for (let n = 0; n < 12; n++) await expect(broken()).rejects.toThrow('broken')
  })
})

describe('other limits', () => {
  test('a forgotten password is asked for five times an hour, whoever it is', async () => {
    for (const email of [await registered(), 'nobody@example.com']) {
      for (let n = 0; n < 5; n++)
        expect((await api.post('/auth/forgot-password', { email }, from)).status).toBe(204)
      expect(await api.post('/auth/forgot-password', { email }, from)).toMatchObject(limited)
    }
  })

  test('60 accounts an hour are registered from one address', async () => {
    expect(await passed(70, () => limits.registration('192.0.2.4'))).toBe(60)
    const person = { email: 'late@example.com', password, firstName: 'A', lastName: 'B' }
    const late = { headers: { 'x-forwarded-for': '192.0.2.4' } }
    expect(await api.post('/auth/register', person, late)).toMatchObject(limited)
  })

  test('400 requests at once are answered, of one address or of one user', async () => {
    expect(await passed(500, () => limits.anonymous('192.0.2.5'))).toBe(400)
    const here = { headers: { 'x-forwarded-for': '192.0.2.5' } }
    expect(await api.post('/auth/logout', { refreshToken: 'x' }, here)).toMatchObject(limited)
    expect(await api.get('/users/me', here)).toMatchObject(limited)
    const signedIn = await login(await registered(), password)
    const authorization = `Bearer ${signedIn.body.data.accessToken}`
    expect((await api.get('/users/me', { headers: { ...here.headers, authorization } })).status).toBe(200)
  })

  test('an IPv6 network counts as one address, however it is written', async () => {
    const spellings = ['2001:db8::1', '2001:db8:0:0:ffff::2', '2001:db8:0:0:1:2:3:4']
    for (const ip of spellings) expect(await passed(20, () => limits.registration(ip))).toBe(20)
    expect(await passed(1, () => limits.registration('2001:db8::9'))).toBe(0)
    expect(await passed(1, () => limits.registration('2001:db8:0:1::9'))).toBe(1)
    expect(await passed(61, () => limits.registration('::ffff:192.0.2.6'))).toBe(60)
    expect(await passed(1, () => limits.registration('192.0.2.6'))).toBe(0)
  })

  test('are all off when the settings say so', async () => {
    const free = await startApp({ config: { rateLimits: false } })
    const off = free.container.resolve(RateLimits)
    expect(await passed(500, () => off.anonymous('192.0.2.7'))).toBe(500)
    expect(await passed(100, () => off.registration('192.0.2.7'))).toBe(100)
    const wrong = { email: 'nobody@example.com', password: 'wrong' }
    for (let n = 0; n < 12; n++)
      expect((await new Api(free.origin).post('/auth/login', wrong)).status).toBe(401)
    await free.stop()
  })
})
