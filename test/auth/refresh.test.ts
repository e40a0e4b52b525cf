import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DomainEvents } from '../../src/events.js'
import { Events } from '../../src/events.js'
import { SessionsService } from '../../src/modules/auth/sessions/sessions.service.js'
import { hashToken } from '../../src/modules/auth/tokens.js'
import { Api, register } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'

describe.each(['postgres', 'embedded'] as const)('refreshing on %s', on => {
  let app: TestApp
  let api: Api
  const revoked: DomainEvents['session.revoked'][] = []
  beforeAll(async () => {
    app = await startApp({ on })
    api = new Api(app.origin)
    app.container.resolve(Events).on('session.revoked', event => void revoked.push(event))
  })
  afterAll(() => app?.stop())

  const refresh = (refreshToken: string) => api.post('/auth/refresh', { refreshToken })

  test('gives new tokens for the old one, in the same session', async () => {
    const ann = await register(app.origin)
    const { status, headers, body } = await refresh(ann.refreshToken)
    expect(status).toBe(200)
    expect(body.data.user).toEqual(ann.user)
    expect(body.data.refreshToken).not.toBe(ann.refreshToken)
    expect(headers.get('set-cookie')).toContain(body.data.accessToken)
    const sessions = await new Api(app.origin, body.data.accessToken).data('GET', '/auth/sessions')
    expect(sessions).toHaveLength(1)
    expect(sessions[0].current).toBe(true)
    expect(await ann.api.data('GET', '/auth/sessions')).toEqual(sessions)
    expect((await refresh(body.data.refreshToken)).status).toBe(200)
  })

  test('revokes the session when a token comes twice, with all that came of it', async () => {
    const ann = await register(app.origin)
    const next = await refresh(ann.refreshToken)
    expect(await refresh(ann.refreshToken)).toMatchObject({
      status: 401,
      body: { code: 'REFRESH_TOKEN_REUSED' },
    })
    expect(await refresh(next.body.data.refreshToken)).toMatchObject({
      status: 401,
      body: { code: 'INVALID_REFRESH_TOKEN' },
    })
    expect(await ann.api.get('/users/me')).toMatchObject({ status: 401, body: { code: 'SESSION_REVOKED' } })
    expect(revoked.filter(({ userId }) => userId === ann.id)).toHaveLength(1)
  })

  test('lets one of 50 racers win, and then revokes the session', async () => {
    const ann = await register(app.origin)
    const answers = await Promise.all(Array.from({ length: 50 }, () => refresh(ann.refreshToken)))
    const won = answers.filter(({ status }) => status === 200)
    const reused = answers.filter(({ body }) => body.code === 'REFRESH_TOKEN_REUSED')
    expect([won.length, reused.length]).toEqual([1, 49])
    expect((await refresh(won[0]?.body.data.refreshToken)).body.code).toBe('INVALID_REFRESH_TOKEN')
    expect((await ann.api.get('/users/me')).body.code).toBe('SESSION_REVOKED')
    expect(revoked.filter(({ userId }) => userId === ann.id)).toHaveLength(1)
  })

  test('refuses a token that expired, never was, or belongs to somebody disabled', async () => {
    const ann = await register(app.origin)
    const [expired, disabled] = [await register(app.origin), await register(app.origin)]
    await app.database.pool.query('update refresh_tokens set expires_at = now() where token_hash = $1', [
      hashToken(expired.refreshToken),
    ])
    await app.database.pool.query('update users set disabled_at = now() where id = $1', [disabled.id])
    for (const token of [
      expired.refreshToken,
      disabled.refreshToken,
      'x',
      'ü\0',
      ann.accessToken.slice(0, 250),
    ]) {
      expect(await refresh(token)).toMatchObject({ status: 401, body: { code: 'INVALID_REFRESH_TOKEN' } })
    }
    expect((await refresh(ann.refreshToken)).status).toBe(200)
  })

  test('removes what can be used no more, and nothing else', async () => {
    const ann = await register(app.origin)
    const count = async () => {
      const { rows } = await app.database.pool.query(
        'select count(*) as tokens from refresh_tokens join sessions on sessions.id = session_id where user_id = $1',
        [ann.id],
      )
      return rows[0].tokens
    }
    const service = app.container.resolve(SessionsService)
    await service.removeExpired(Date.now())
    expect(await count()).toBe(1)
    await service.removeExpired(Date.now() + 8 * 864e5)
    expect(await count()).toBe(0)
  })
})
