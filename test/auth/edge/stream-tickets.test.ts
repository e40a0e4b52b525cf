import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { StreamTicketsService } from '../../../src/modules/auth/sessions/stream-tickets.service.js'
import { hashToken } from '../../../src/modules/auth/tokens.js'
import { Api, register, type TestUser } from '../../support/api.js'
import { startApp, type TestApp } from '../../support/app.js'
import './probe.js'

const minutes = 60_000
let app: TestApp
let tickets: StreamTicketsService
let ann: TestUser
beforeAll(async () => {
  app = await startApp()
  tickets = app.container.resolve(StreamTicketsService)
})
beforeEach(async () => {
  ann = await register(app.origin)
})
afterAll(() => app?.stop())

const path = '/api/v1/probe/one/live'
const refused = (code: string) => ({ status: 401, body: { code } })
const askFor = (wanted: string) => ann.api.post('/auth/stream-tickets', { path: wanted })

async function ticketFor(wanted = path): Promise<string> {
  const { status, body } = await askFor(wanted)
  expect([status, body.data]).toEqual([201, { ticket: expect.any(String), expiresAt: expect.any(String) }])
  return body.data.ticket
}

/** Opens a stream, reads its first event and leaves it open. */
async function open(url: string, headers: Record<string, string> = {}) {
  const leaving = new AbortController()
  const response = await fetch(`${app.origin}${url}`, { headers, signal: leaving.signal })
  const reader = response.body?.getReader()
  const text = new TextDecoder().decode((await reader?.read())?.value)
  return { status: response.status, text, close: () => leaving.abort() }
}

const get = (url: string) => new Api(app.origin).get(url)

async function expiryOf(ticket: string): Promise<number> {
  const { rows } = await app.database.pool.query(
    'select expires_at from stream_tickets where token_hash = $1',
    [hashToken(ticket)],
  )
  return rows[0].expires_at.getTime()
}

describe('a stream', () => {
  test('is opened by header, by cookie and by ticket', async () => {
    const ticket = await ticketFor()
    const ways: [string, Record<string, string>][] = [
      [path, { authorization: `Bearer ${ann.accessToken}` }],
      [path, { cookie: `vibed_access=${ann.accessToken}` }],
      [`${path}?ticket=${ticket}`, {}],
    ]
    for (const [url, headers] of ways) {
      const stream = await open(url, headers)
      expect([stream.status, stream.text]).toEqual([200, expect.stringContaining(`"id":"${ann.id}"`)])
      stream.close()
    }
    expect(await get(path)).toMatchObject(refused('UNAUTHENTICATED'))
  })

  test('opened by ticket may last as long as the session', async () => {
    const stream = await open(`${path}?ticket=${await ticketFor()}`)
    stream.close()
    const { expiresAt } = JSON.parse(/data: (.*)/.exec(stream.text)?.[1] ?? '')
    expect(expiresAt - Date.now()).toBeGreaterThan(6 * 24 * 60 * minutes)
  })
})

describe('a ticket', () => {
  test('opens its stream again and again, and no other', async () => {
    const ticket = await ticketFor()
    for (const url of [path, path, `${path}/`, path.toUpperCase()]) {
      const stream = await open(`${url}?ticket=${ticket}`)
      expect(stream.status).toBe(200)
      stream.close()
    }
    expect(await get(`/api/v1/probe/two/live?ticket=${ticket}`)).toMatchObject(refused('INVALID_TICKET'))
    expect(await get(`/api/v1/probe?ticket=${ticket}`)).toMatchObject(refused('UNAUTHENTICATED'))
    for (const query of ['ticket=', 'ticket=guess', `ticket=${ticket}&ticket=${ticket}`]) {
      expect(await get(`${path}?${query}`)).toMatchObject(refused('INVALID_TICKET'))
    }
  })

  test('is asked for with a path below the API or from its root, in any spelling of it', async () => {
    for (const wanted of ['/probe/one/live', `${path}/`, '/api/v1/x/../Probe/one/LIVE']) {
      const stream = await open(`${path}?ticket=${await ticketFor(wanted)}`)
      expect(stream.status).toBe(200)
      stream.close()
    }
  })

  test('is not given for what is no stream', async () => {
    const wrong = ['/probe', `${path}/x`, `${path}?since=1`, `${path}#x`, 'probe/one/live', app.origin + path]
    for (const wanted of [...wrong, '/users/me', '//probe/one/live', '/', '']) {
      const answer = await askFor(wanted)
      expect(answer).toMatchObject({ status: 422, body: { errors: [{ path: 'body.path' }] } })
    }
    expect((await new Api(app.origin).post('/auth/stream-tickets', { path })).status).toBe(401)
  })

  test('ends when nothing has used it for five minutes', async () => {
    const [ticket, now] = [await ticketFor(), Date.now()]
    await tickets.redeem(ticket, path, now + 4.9 * minutes)
    await tickets.redeem(ticket, path, now + 9.8 * minutes)
    await expect(tickets.redeem(ticket, path, now + 14.9 * minutes)).rejects.toMatchObject({
      code: 'INVALID_TICKET',
    })
  })

  test('is in use as long as its stream is open', async () => {
    const [ticket, idle, now] = [await ticketFor(), await ticketFor(), Date.now()]
    const stream = await open(`${path}?ticket=${ticket}`)
    const before = await expiryOf(idle)
    await tickets.prolongOpen(now + 60 * minutes)
    expect(await expiryOf(ticket)).toBeGreaterThanOrEqual(now + 65 * minutes)
    expect(await expiryOf(idle)).toBe(before)
    stream.close()
    await vi.waitFor(async () => {
      const [latest, statements] = [await expiryOf(ticket), app.statements()]
      await tickets.prolongOpen(now + 90 * minutes)
      expect([await expiryOf(ticket), app.statements()]).toEqual([latest, statements])
    })
  })

  test('stays in use until the last of its streams is closed', async () => {
    const [ticket, now] = [await ticketFor(), Date.now()]
    const releases = [tickets.hold(ticket), tickets.hold(ticket)]
    releases[0]?.()
    await tickets.prolongOpen(now + 60 * minutes)
    expect(await expiryOf(ticket)).toBe(now + 66 * minutes)
    releases[1]?.()
    await tickets.prolongOpen(now + 90 * minutes)
    expect(await expiryOf(ticket)).toBe(now + 66 * minutes)
  })

  test('ends with its session', async () => {
    const ticket = await ticketFor()
    await ann.api.post('/auth/logout-all')
    expect(await get(`${path}?ticket=${ticket}`)).toMatchObject(refused('SESSION_REVOKED'))
  })

  test('is removed when its time is over', async () => {
    const ticket = await ticketFor()
    await tickets.removeExpired(Date.now())
    expect(await expiryOf(ticket)).toBeGreaterThan(Date.now())
    await tickets.removeExpired(Date.now() + 6 * minutes)
    await expect(expiryOf(ticket)).rejects.toThrow()
  })
})
