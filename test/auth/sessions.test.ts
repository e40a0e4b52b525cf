import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Events } from '../../src/events.js'
import { session } from '../../src/modules/auth/auth.contract.js'
import { LiveSessions } from '../../src/modules/auth/sessions/live-sessions.js'
import { Tokens } from '../../src/modules/auth/tokens.js'
import { Api, register, type TestUser } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'

let app: TestApp
let live: LiveSessions
let ann: TestUser
const revoked: string[] = []
beforeAll(async () => {
  app = await startApp()
  live = app.container.resolve(LiveSessions)
  app.container.resolve(Events).on('session.revoked', ({ sessionId }) => void revoked.push(sessionId))
})
beforeEach(async () => {
  ann = await register(app.origin)
})
afterAll(() => app?.stop())

const sessionOf = (token: string) => app.container.resolve(Tokens).verify(token, Date.now()).sessionId

async function signInAgain() {
  const body = { email: ann.email, password: 'correct horse' }
  const headers = { 'user-agent': 'Second device' }
  const answer = await new Api(app.origin).post('/auth/login', body, { headers })
  const { accessToken, refreshToken } = answer.body.data
  return { api: new Api(app.origin, accessToken), sessionId: sessionOf(accessToken), refreshToken }
}

describe('the list of sessions', () => {
  test('shows each device, the newest first, and which one asks', async () => {
    const second = await signInAgain()
    const list = await ann.api.data('GET', '/auth/sessions')
    expect(list.map(({ id }: { id: string }) => id)).toEqual([second.sessionId, sessionOf(ann.accessToken)])
    expect(list.map(({ current }: { current: boolean }) => current)).toEqual([false, true])
    expect(list[0]).toMatchObject({ userAgent: 'Second device', ip: '127.0.0.1' })
    for (const row of list) expect(session.parse(row)).toEqual(row)
  })

  test('is walked in pages to its end', async () => {
    for (let n = 0; n < 3; n++) await signInAgain()
    const ids: string[] = []
    let cursor = ''
    do {
      const { body } = await ann.api.get(`/auth/sessions?limit=2${cursor && `&cursor=${cursor}`}`)
      ids.push(...body.data.map(({ id }: { id: string }) => id))
      cursor = body.meta.nextCursor
    } while (cursor)
    expect(ids).toHaveLength(4)
    expect(new Set(ids).size).toBe(4)
    expect(await ann.api.get('/auth/sessions?cursor=abc')).toMatchObject({ body: { code: 'INVALID_CURSOR' } })
    expect((await ann.api.get('/auth/sessions?limit=101')).status).toBe(422)
  })

  test('leaves out those that ended and those of others', async () => {
    await register(app.origin)
    const second = await signInAgain()
    await second.api.delete(`/auth/sessions/${second.sessionId}`)
    expect(await ann.api.data('GET', '/auth/sessions')).toHaveLength(1)
  })
})

describe('ending sessions', () => {
  test('one by its id ends it at once, access token and refresh token', async () => {
    const second = await signInAgain()
    expect((await second.api.get('/users/me')).status).toBe(200)
    expect((await ann.api.delete(`/auth/sessions/${second.sessionId}`)).status).toBe(204)
    expect(await second.api.get('/users/me')).toMatchObject({
      status: 401,
      body: { code: 'SESSION_REVOKED' },
    })
    const refreshed = await second.api.post('/auth/refresh', { refreshToken: second.refreshToken })
    expect(refreshed.body.code).toBe('INVALID_REFRESH_TOKEN')
    expect(revoked.filter(id => id === second.sessionId)).toHaveLength(1)
    expect((await ann.api.get('/users/me')).status).toBe(200)
  })

  test('another user’s, one that ended and one that never was do not exist', async () => {
    const bob = await register(app.origin)
    const second = await signInAgain()
    await ann.api.delete(`/auth/sessions/${second.sessionId}`)
    for (const id of [sessionOf(bob.accessToken), second.sessionId, bob.id]) {
      expect(await ann.api.delete(`/auth/sessions/${id}`)).toMatchObject({
        status: 404,
        body: { code: 'SESSION_NOT_FOUND' },
      })
    }
    expect((await ann.api.delete('/auth/sessions/nonsense')).status).toBe(422)
    expect((await bob.api.get('/users/me')).status).toBe(200)
  })

  test('one’s own also clears the cookie', async () => {
    const answer = await ann.api.delete(`/auth/sessions/${sessionOf(ann.accessToken)}`)
    expect(answer.headers.get('set-cookie')).toMatch(/^vibed_access=; Max-Age=0/)
  })

  test('logging out needs only the refresh token, and may be repeated', async () => {
    const anybody = new Api(app.origin)
    for (let n = 0; n < 2; n++) {
      const answer = await anybody.post('/auth/logout', { refreshToken: ann.refreshToken })
      expect(answer.status).toBe(204)
      expect(answer.headers.get('set-cookie')).toMatch(/^vibed_access=; Max-Age=0.*Path=\/api\/v1/)
    }
    expect((await anybody.post('/auth/logout', { refreshToken: 'unknown' })).status).toBe(204)
    expect((await anybody.post('/auth/logout', {})).status).toBe(422)
    expect((await ann.api.get('/users/me')).body.code).toBe('SESSION_REVOKED')
    expect(revoked.filter(id => id === sessionOf(ann.accessToken))).toHaveLength(1)
  })

  test('with another session’s refresh token the browser stays signed in', async () => {
    const bob = await register(app.origin)
    const logOut = (refreshToken: string) =>
      new Api(app.origin).post(
        '/auth/logout',
        { refreshToken },
        { headers: { cookie: `vibed_access=${ann.accessToken}` } },
      )
    for (const token of [bob.refreshToken, bob.refreshToken, 'unknown']) {
      const answer = await logOut(token)
      expect([answer.status, answer.headers.get('set-cookie')]).toEqual([204, null])
    }
    expect((await bob.api.get('/users/me')).body.code).toBe('SESSION_REVOKED')
    expect((await ann.api.get('/users/me')).status).toBe(200)
    for (let n = 0; n < 2; n++) {
      expect((await logOut(ann.refreshToken)).headers.get('set-cookie')).toMatch(/^vibed_access=; Max-Age=0/)
    }
  })

  test('logging out everywhere ends all of one’s own', async () => {
    const second = await signInAgain()
    const bob = await register(app.origin)
    expect((await ann.api.post('/auth/logout-all')).status).toBe(204)
    for (const { api } of [ann, second])
      expect((await api.get('/users/me')).body.code).toBe('SESSION_REVOKED')
    expect((await bob.api.get('/users/me')).status).toBe(200)
    expect(revoked).toEqual(expect.arrayContaining([sessionOf(ann.accessToken), second.sessionId]))
    expect((await new Api(app.origin).post('/auth/logout-all')).status).toBe(401)
  })
})

describe('knowing whether a session lives', () => {
  const end = (sessionId: string) =>
    app.database.pool.query('update sessions set revoked_at = now() where id = $1', [sessionId])

  test('takes one statement for all who ask at once, and for a second', async () => {
    const sessionId = sessionOf(ann.accessToken)
    const [begun, before] = [Date.now() + 1e7, app.statements()]
    const found = await Promise.all(Array.from({ length: 50 }, () => live.live(sessionId, begun)))
    expect(new Set(found)).toHaveLength(1)
    await live.live(sessionId, begun + 999)
    expect(app.statements() - before).toBe(1)
    await live.live(sessionId, begun + 1_000)
    expect(app.statements() - before).toBe(2)
  })

  test('believes a session that another node revoked for less than a second', async () => {
    const [sessionId, begun] = [sessionOf(ann.accessToken), Date.now() + 1e7]
    await live.live(sessionId, begun)
    await end(sessionId)
    await live.live(sessionId, begun + 999)
    await expect(live.live(sessionId, begun + 1_000)).rejects.toMatchObject({ code: 'SESSION_REVOKED' })
  })

  test('believes a user whom another node disabled for less than a second', async () => {
    const [sessionId, begun] = [sessionOf(ann.accessToken), Date.now() + 1e7]
    await live.live(sessionId, begun)
    await app.database.pool.query('update users set disabled_at = now() where id = $1', [ann.id])
    await live.live(sessionId, begun + 999)
    await expect(live.live(sessionId, begun + 1_000)).rejects.toMatchObject({ code: 'SESSION_REVOKED' })
  })

  test('does not believe what was asked before this node revoked it', async () => {
    const sessionId = sessionOf(ann.accessToken)
    const asked = live.live(sessionId)
    await end(sessionId)
    app.container.resolve(Events).emit('session.revoked', { sessionId, userId: ann.id })
    await asked.catch(() => {})
    await expect(live.live(sessionId)).rejects.toMatchObject({ code: 'SESSION_REVOKED' })
  })

  test('sees at once that its user changed or was disabled', async () => {
    const sessionId = sessionOf(ann.accessToken)
    expect((await live.live(sessionId)).name).toBe('Test Person')
    await ann.api.data('PATCH', '/users/me', { firstName: 'Renamed' })
    expect((await live.live(sessionId)).name).toBe('Renamed Person')
    await app.database.pool.query('update users set disabled_at = now() where id = $1', [ann.id])
    app.container.resolve(Events).emit('user.updated', { userId: ann.id })
    expect((await ann.api.get('/users/me')).body.code).toBe('SESSION_REVOKED')
  })

  test('does not depend on whether the access token is over', async () => {
    const sessionId = sessionOf(ann.accessToken)
    const past = Date.now() - 60_000
    const { token } = app.container.resolve(Tokens).issue({ ...ann.user, name: '' }, sessionId, past, past)
    expect((await new Api(app.origin, token).get('/users/me')).body.code).toBe('TOKEN_EXPIRED')
    expect(await live.outlives(token)).toBe(true)
    expect(await live.outlives(`${token}x`)).toBe(false)
    await ann.api.post('/auth/logout-all')
    expect(await live.outlives(token)).toBe(false)
  })

  test('ends with the session’s time, and knows none that never was', async () => {
    const sessionId = sessionOf(ann.accessToken)
    const { expiresAt } = await live.live(sessionId)
    await expect(live.live(sessionId, expiresAt)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    await expect(live.live(ann.id)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  })
})
