import fc from 'fast-check'
import jwt from 'jsonwebtoken'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { usernameFrom, withNumber } from '../../src/modules/auth/usernames.js'
import { username } from '../../src/modules/users/users.contract.js'
import { Api } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'

let app: TestApp
let api: Api
beforeAll(async () => {
  app = await startApp()
  api = new Api(app.origin)
})
afterAll(() => app?.stop())

const person = (email: string) => ({ email, password: 'correct horse', firstName: 'Ann', lastName: 'Lee' })
const byStatus = (answers: { status: number }[], status: number) =>
  answers.filter(answer => answer.status === status).length

describe('registering', () => {
  test('answers with the user, his tokens and when they end', async () => {
    const { status, headers, body } = await api.post('/auth/register', person('ann@example.com'))
    expect(status).toBe(201)
    expect(headers.get('location')).toBe('/api/v1/users/me')
    const { user, accessToken, accessTokenExpiresAt, refreshToken, refreshTokenExpiresAt } = body.data
    expect(user).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      email: 'ann@example.com',
      username: 'ann',
      firstName: 'Ann',
      lastName: 'Lee',
      avatarUrl: null,
      timeZone: 'UTC',
      createdAt: expect.stringMatching(/Z$/),
    })
    expect(refreshToken).toMatch(/^[\w-]{43}$/)
    expect(Date.parse(refreshTokenExpiresAt) - Date.now()).toBeGreaterThan(6.9 * 864e5)
    const { header, payload } = jwt.decode(accessToken, { complete: true }) ?? {}
    expect(header?.alg).toBe('HS256')
    expect(payload).toEqual({
      sub: user.id,
      email: 'ann@example.com',
      name: 'Ann Lee',
      sid: expect.any(String),
      iat: expect.any(Number),
      exp: Date.parse(accessTokenExpiresAt) / 1000,
    })
  })

  test('stores an argon2id hash and no token in clear', async () => {
    const { body } = await api.post('/auth/register', person('hash@example.com'))
    const { rows } = await app.database.pool.query(
      `select password_hash, token_hash from users join sessions on user_id = users.id
       join refresh_tokens on session_id = sessions.id where email = 'hash@example.com'`,
    )
    expect(rows).toHaveLength(1)
    expect(rows[0].password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(rows[0].token_hash).not.toBe(body.data.refreshToken)
    expect(JSON.stringify(body)).not.toContain('argon2')
  })

  test('takes an address in any case as the same one', async () => {
    expect((await api.post('/auth/register', person(' Bob@Example.com '))).body.data.user.email).toBe(
      'bob@example.com',
    )
    const again = await api.post('/auth/register', person('BOB@example.com'))
    expect(again).toMatchObject({ status: 409, body: { code: 'EMAIL_TAKEN' } })
  })

  test('lets one of 50 racers have an address', async () => {
    const racers = Array.from({ length: 50 }, () => api.post('/auth/register', person('race@example.com')))
    const answers = await Promise.all(racers)
    expect([byStatus(answers, 201), byStatus(answers, 409)]).toEqual([1, 49])
  })

  test('gives 50 racers of the same name 50 usernames', async () => {
    const racers = Array.from({ length: 50 }, (_, n) =>
      api.post('/auth/register', person(`same.name@host${n}.example.com`)),
    )
    const answers = await Promise.all(racers)
    const names = answers.map(({ body }) => body.data.user.username)
    expect(byStatus(answers, 201)).toBe(50)
    expect(new Set(names).size).toBe(50)
    expect(names.filter(name => name === 'same.name')).toHaveLength(1)
    for (const name of names) expect(name).toMatch(/^same\.name(-\d+)?$/)
  })

  test('refuses what it does not know, by the name of the field', async () => {
    const wrong: [string, object][] = [
      ['body.password', { password: 'short67' }],
      ['body.password', { password: 'x'.repeat(129) }],
      ['body.password', { password: 'with a \0 NUL' }],
      ['body.password', { password: 12345678 }],
      ['body.email', { email: 'nobody' }],
      ['body.firstName', { firstName: ' ' }],
      ['body.lastName', { lastName: undefined }],
      ['body.isAdmin', { isAdmin: true }],
    ]
    for (const [path, change] of wrong) {
      const answer = await api.post('/auth/register', { ...person('eve@example.com'), ...change })
      expect(answer).toMatchObject({ status: 422, body: { code: 'VALIDATION_ERROR', errors: [{ path }] } })
    }
    const surrogate = JSON.stringify(person('eve@example.com')).replace('correct', '\\ud800')
    expect((await api.post('/auth/register', undefined, { raw: surrogate })).status).toBe(422)
    expect((await api.post('/auth/register?x=1', person('eve@example.com'))).status).toBe(422)
    expect(
      (await api.post('/auth/login', { email: 'eve@example.com', password: 'correct horse' })).status,
    ).toBe(401)
  })

  test('takes passwords of 8 and of 128 characters', async () => {
    for (const [n, password] of ['12345678', 'x'.repeat(128)].entries()) {
      const email = `length${n}@example.com`
      expect((await api.post('/auth/register', { ...person(email), password })).status).toBe(201)
      expect((await api.post('/auth/login', { email, password })).status).toBe(200)
    }
  })
})

test('any address makes a username that a user could have chosen', () => {
  fc.assert(
    fc.property(fc.emailAddress(), fc.nat(20), (address, attempt) => {
      const made = usernameFrom(address.toLowerCase())
      for (const name of [made, withNumber(made, attempt)]) expect(username.parse(name)).toBe(name)
    }),
  )
  expect(usernameFrom('a@example.com')).toBe('user-a')
  expect(usernameFrom('+@example.com')).toBe('user')
})
