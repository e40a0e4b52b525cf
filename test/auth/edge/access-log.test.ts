import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Logger } from '@forinda/kickjs-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { CONFIG, type Config } from '../../../src/config.js'
import { loggerOptions } from '../../../src/logging.js'
import { type Answer, Api, register } from '../../support/api.js'
import { startApp, type TestApp } from '../../support/app.js'
import { Probe } from './probe.js'

let app: TestApp
const lines: string[] = []
beforeAll(async () => {
  app = await startApp()
})
beforeEach(() => {
  lines.length = 0
  Logger.configure(loggerOptions('trace'), { write: (line: string) => void lines.push(line) })
})
afterAll(() => app?.stop())

/** The line of a request, which is written when its connection has let go of it. */
function lineOf({ headers }: Pick<Answer, 'headers'>) {
  const requestId = headers.get('x-request-id')
  return vi.waitFor(() => {
    const found = lines.map(line => JSON.parse(line)).filter(line => line.requestId === requestId)
    expect(found.filter(({ part }) => part === 'Access')).toHaveLength(1)
    return found.find(({ part }) => part === 'Access')
  })
}

describe('each request', () => {
  test('is one line with who, what and how it went, without its query', async () => {
    const ann = await register(app.origin)
    const line = await lineOf(await ann.api.get('/probe?secret=1'))
    expect(line).toMatchObject({
      level: 30,
      method: 'GET',
      path: '/api/v1/probe',
      status: 422,
      userId: ann.id,
    })
    expect(line.ms).toBeGreaterThanOrEqual(0)
    expect((await lineOf(await new Api(app.origin).get('/nothing'))).status).toBe(404)
  })

  test.each(['/health/live', '/metrics'])('about %s is for those who debug', async path => {
    const answer = await fetch(app.origin + path)
    expect(await lineOf(answer)).toMatchObject({ level: 20, path })
  })

  test('that its client gave up is marked so', async () => {
    const ann = await register(app.origin)
    const probe = app.container.resolve(Probe)
    let open = () => {}
    probe.gate = new Promise(resolve => {
      open = resolve
    })
    const leaving = new AbortController()
    const sent = fetch(`${app.origin}/api/v1/probe/notes`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${ann.accessToken}`,
        'content-type': 'application/json',
        'x-request-id': 'given-up',
      },
      body: JSON.stringify({ text: 'given up', how: 'wait-after' }),
      signal: leaving.signal,
    }).catch((error: Error) => error.name)
    await vi.waitFor(async () => {
      const { rows } = await app.database.pool.query("select 1 from workspaces where name = 'given up'")
      expect(rows).toHaveLength(1)
    })
    leaving.abort()
    expect(await sent).toBe('AbortError')
    const line = await lineOf({ headers: new Headers({ 'x-request-id': 'given-up' }) })
    open()
    expect(line.status).toBe(499)
  })
})

test('no password, token or ticket is in any answer that it does not belong to, or in any line', async () => {
  const ann = await register(app.origin)
  const anybody = new Api(app.origin)
  const password = 'correct horse'
  const wrong = await anybody.post('/auth/login', { email: ann.email, password: 'wrong battery' })
  const signedIn = (await anybody.post('/auth/login', { email: ann.email, password })).body.data
  const refreshed = await anybody.data('POST', '/auth/refresh', { refreshToken: ann.refreshToken })
  const path = '/api/v1/probe/one/live'
  const { ticket } = await ann.api.data('POST', '/auth/stream-tickets', { path })
  const stream = await fetch(`${app.origin}${path}?ticket=${ticket}`)
  await stream.body?.cancel()
  const inUrl = await anybody.get(`/probe?token=${ann.accessToken}`)
  await anybody.post('/auth/forgot-password', { email: ann.email })
  const outbox = join(app.container.resolve<Config>(CONFIG).dataDir, 'outbox')
  await vi.waitFor(() => readdirSync(outbox))
  const mail = readdirSync(outbox).map(file => readFileSync(join(outbox, file), 'utf8'))[0] ?? ''
  const token = /^[\w-]{43}$/m.exec(mail.replaceAll('\r', ''))?.[0] ?? ''
  const reset = await anybody.post('/auth/reset-password', { token, password: 'another battery' })
  const reused = await anybody.post('/auth/refresh', { refreshToken: ann.refreshToken })
  await lineOf(reused)

  const secrets = [
    ...[password, 'wrong battery', 'another battery', token, ticket, ann.accessToken, ann.refreshToken],
    ...[signedIn.accessToken, signedIn.refreshToken, refreshed.accessToken, refreshed.refreshToken],
  ]
  const told = [lines, [wrong, inUrl, reset, reused].map(({ body }) => JSON.stringify(body))].flat()
  expect(reset.status).toBe(204)
  expect(lines.length).toBeGreaterThan(8)
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(8)
    expect(told.filter(text => text.includes(secret))).toEqual([])
  }
  const all = JSON.stringify([signedIn, refreshed, await anybody.get('/probe'), told])
  expect(all).not.toMatch(/argon2|password_?hash|token_?hash/i)
})

test('a statement that failed is logged without its values', async () => {
  const broken = await startApp()
  Logger.configure(loggerOptions('trace'), { write: (line: string) => void lines.push(line) })
  await broken.database.pool.query('alter table sessions drop column ip')
  const person = { email: 'ann@example.com', password: 'correct horse', firstName: 'Ann', lastName: 'Lee' }
  const answer = await new Api(broken.origin).post('/auth/register', person)
  expect(answer).toMatchObject({ status: 500, body: { code: 'INTERNAL_SERVER_ERROR' } })
  expect(JSON.stringify(answer.body)).not.toMatch(/sessions|insert/)
  const failure = lines.map(line => JSON.parse(line)).find(({ err }) => err)
  expect(failure.err).toMatchObject({
    message: expect.stringContaining('insert into "sessions"'),
    stack: expect.stringContaining('at '),
    cause: { code: '42703', message: expect.stringContaining('column') },
  })
  expect(lines.join()).not.toMatch(/argon2|127\.0\.0\.1/)
  await broken.stop()
})
