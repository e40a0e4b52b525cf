import { hash, verify } from '@node-rs/argon2'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { AccountsRepository } from '../../src/modules/auth/accounts.repository.js'
import { SessionsService } from '../../src/modules/auth/sessions/sessions.service.js'
import { Api, register } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'

vi.mock('@node-rs/argon2', { spy: true })

const password = 'correct horse'
let app: TestApp
let api: Api
beforeAll(async () => {
  app = await startApp({ config: { trustProxy: 1 } })
  api = new Api(app.origin)
})
beforeEach(() => void vi.clearAllMocks())
afterAll(() => app?.stop())

test('signs in with the password, as often as one likes, each time in a session of its own', async () => {
  const { email, user } = await register(app.origin)
  const [first, second] = await Promise.all([1, 2].map(() => api.post('/auth/login', { email, password })))
  expect(first).toMatchObject({ status: 200, body: { success: true, data: { user } } })
  expect(second?.body.data.refreshToken).not.toBe(first?.body.data.refreshToken)
  const sessions = await new Api(app.origin, first?.body.data.accessToken).data('GET', '/auth/sessions')
  expect(sessions).toHaveLength(3)
})

test('takes a composed and a decomposed letter of a password for the same', async () => {
  const person = { email: 'cafe@example.com', firstName: 'C', lastName: 'F' }
  await api.data('POST', '/auth/register', { ...person, password: 'caf\u00e9-caf\u00e9' })
  const answer = await api.post('/auth/login', { email: person.email, password: 'cafe\u0301-cafe\u0301' })
  expect(answer.status).toBe(200)
})

test('answers an unknown address and a wrong password alike, after the same work', async () => {
  const { email } = await register(app.origin)
  const attempts = [
    { email, password: 'wrong horse' },
    { email: 'nobody@example.com', password },
  ]
  const seen: unknown[] = []
  for (const attempt of attempts) {
    vi.clearAllMocks()
    const { status, body } = await api.post('/auth/login', attempt)
    const costs = vi.mocked(verify).mock.calls.map(([stored]) => String(stored).split('$').slice(1, 4).join())
    const work = { hashed: vi.mocked(hash).mock.calls.length, costs }
    seen.push({ status, body: { ...body, requestId: undefined }, work })
  }
  expect(seen[0]).toEqual(seen[1])
  expect(seen[0]).toMatchObject({ status: 401, body: { code: 'INVALID_CREDENTIALS' } })
  expect(seen[0]).toMatchObject({ work: { hashed: 0, costs: ['argon2id,v=19,m=19456,t=2,p=1'] } })
})

test('does not sign in a disabled user, and does not say why', async () => {
  const { id, email } = await register(app.origin)
  await app.database.pool.query('update users set disabled_at = now() where id = $1', [id])
  const answer = await api.post('/auth/login', { email, password })
  expect(answer).toMatchObject({ status: 401, body: { code: 'INVALID_CREDENTIALS' } })
})

test('begins no session for a password that was changed while it was checked', async () => {
  const { id, email } = await register(app.origin)
  const accounts = app.container.resolve(AccountsRepository)
  const { session } = app.container.resolve(SessionsService).draft({ ip: '', userAgent: '' }, Date.now())
  const before = await accounts.byEmail(email)
  expect(await accounts.beginSession(id, `${before?.passwordHash}x`, session)).toBe(false)
  const { rows } = await app.database.pool.query('select 1 from sessions where user_id = $1', [id])
  expect(rows).toHaveLength(1)
})

test('works on two passwords at a time', async () => {
  const { email } = await register(app.origin)
  const argon2 = await vi.importActual<typeof import('@node-rs/argon2')>('@node-rs/argon2')
  let running = 0
  let most = 0
  vi.mocked(verify).mockImplementation(async (...args) => {
    most = Math.max(most, ++running)
    try {
      return await argon2.verify(...args)
    } finally {
      running--
    }
  })
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => api.post('/auth/login', { email, password })),
  )
  vi.mocked(verify).mockReset()
  expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
  expect(most).toBe(2)
})

test('leaves the access token in a cookie that scripts cannot read and other sites cannot use', async () => {
  const { email } = await register(app.origin)
  const plain = await api.post('/auth/login', { email, password })
  const cookie = plain.headers.get('set-cookie') ?? ''
  expect(cookie).toContain(`vibed_access=${plain.body.data.accessToken};`)
  for (const attribute of ['HttpOnly', 'SameSite=Lax', 'Path=/api/v1']) expect(cookie).toContain(attribute)
  expect(Number(/Max-Age=(\d+)/.exec(cookie)?.[1])).toBeGreaterThan(890)
  expect(cookie).not.toContain('Secure')
  const overTls = { headers: { 'x-forwarded-proto': 'https' } }
  const secure = await api.post('/auth/login', { email, password }, overTls)
  expect(secure.headers.get('set-cookie')).toContain('Secure')
})

test('refuses fields that it does not know, and passwords that none can be', async () => {
  const wrong: [string, object][] = [
    ['body.remember', { email: 'a@example.com', password, remember: true }],
    ['body.password', { email: 'a@example.com' }],
    ['body.password', { email: 'a@example.com', password: 'x'.repeat(129) }],
    ['body.email', { email: 'a@example.com\0', password }],
  ]
  for (const [path, body] of wrong) {
    expect(await api.post('/auth/login', body)).toMatchObject({ status: 422, body: { errors: [{ path }] } })
  }
})
