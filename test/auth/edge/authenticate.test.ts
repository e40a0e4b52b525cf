import { createSecretKey } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Tokens } from '../../../src/modules/auth/tokens.js'
import { Secrets } from '../../../src/secrets.js'
import { Api, register, type TestUser } from '../../support/api.js'
import { startApp, type TestApp } from '../../support/app.js'
import './probe.js'

let app: TestApp
let anybody: Api
let ann: TestUser
beforeAll(async () => {
  app = await startApp()
  anybody = new Api(app.origin)
})
beforeEach(async () => {
  ann = await register(app.origin)
})
afterAll(() => app?.stop())

const withHeader = (authorization: string) => ({ headers: { authorization } })
const withCookie = (token: string) => ({ headers: { cookie: `a=b; vibed_access=${token}; c=d` } })
const refused = (code: string) => ({ status: 401, body: { success: false, code } })

function claimsOf(token: string) {
  const { sub, email, name, sid, iat, exp } = Object(jwt.decode(token))
  return { sub, email, name, sid, iat, exp }
}

describe('an access token', () => {
  test('in the header opens what needs a user, and tells until when', async () => {
    const { exp, sid } = claimsOf(ann.accessToken)
    expect(await ann.api.data('GET', '/probe')).toEqual({
      id: ann.id,
      email: ann.email,
      username: ann.user.username,
      name: 'Test Person',
      sessionId: sid,
      expiresAt: exp * 1000,
    })
    expect((await anybody.get('/probe', withHeader(`bearer  ${ann.accessToken}`))).status).toBe(200)
  })

  test('names the user, and the database says who that is by now', async () => {
    await ann.api.data('PATCH', '/users/me', { firstName: 'New', username: `new.${ann.id.slice(-8)}` })
    const name = { name: 'New Person', username: `new.${ann.id.slice(-8)}` }
    expect(await ann.api.data('GET', '/probe')).toMatchObject(name)
  })

  test('that has expired says so', async () => {
    const [hourAgo, { sid }] = [Date.now() - 3_600_000, claimsOf(ann.accessToken)]
    const user = { id: ann.id, email: ann.email, name: 'Test Person' }
    const { token } = app.container.resolve(Tokens).issue(user, sid, hourAgo + 900_000, hourAgo)
    expect(await anybody.get('/probe', withHeader(`Bearer ${token}`))).toMatchObject(refused('TOKEN_EXPIRED'))
  })

  test('that was good a moment ago expires on the millisecond', () => {
    const tokens = app.container.resolve(Tokens)
    const user = { id: ann.id, email: ann.email, name: 'Test Person' }
    const now = Date.now()
    const { token, expiresAt } = tokens.issue(user, claimsOf(ann.accessToken).sid, now + 60_000, now)
    expect(tokens.verify(token, expiresAt - 1)).toMatchObject({ userId: ann.id, expiresAt })
    expect(() => tokens.verify(token, expiresAt)).toThrow(expect.objectContaining({ code: 'TOKEN_EXPIRED' }))
  })

  test('that we did not sign with HS256 and our key is none', async () => {
    const claims = claimsOf(ann.accessToken)
    const { jwtKey } = app.container.resolve(Secrets)
    const { exp, ...endless } = claims
    expect(exp).toBeDefined()
    const [head, payload, signature] = ann.accessToken.split('.')
    const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'x' })).toString('base64url')
    const bob = await register(app.origin)
    const tokens = [
      jwt.sign(claims, '', { algorithm: 'none' }),
      jwt.sign(claims, jwtKey, { algorithm: 'HS512' }),
      jwt.sign(claims, createSecretKey(Buffer.alloc(48)), { algorithm: 'HS256' }),
      jwt.sign({ ...claims, sid: undefined }, jwtKey),
      jwt.sign(endless, jwtKey),
      jwt.sign({ ...claims, sub: bob.id }, jwtKey),
      jwt.sign({ ...claims, sid: ann.id }, jwtKey),
      `${head}.${forged}.${signature}`,
      `${head}.${payload}.`,
      'nonsense',
      ann.refreshToken,
    ]
    for (const token of tokens) {
      const answer = await anybody.get('/probe', withHeader(`Bearer ${token}`))
      expect(answer).toMatchObject(refused('UNAUTHENTICATED'))
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
    }
    expect((await anybody.get('/probe', withHeader(`Bearer ${jwt.sign(claims, jwtKey)}`))).status).toBe(200)
  })

  test('in a URL is refused, even beside a good header', async () => {
    for (const name of ['token', 'access_token', 'ticket', 'x=1&token=a&token']) {
      const url = `/probe?${name}=${ann.accessToken}`
      expect(await anybody.get(url)).toMatchObject(refused('TOKEN_IN_URL'))
      expect(await ann.api.get(url)).toMatchObject(refused('TOKEN_IN_URL'))
    }
    expect((await ann.api.get('/probe?token=abc')).status).toBe(422)
  })
})

describe('the cookie', () => {
  test('opens reading, and nothing else', async () => {
    const cookie = withCookie(ann.accessToken)
    expect((await anybody.get('/probe', cookie)).status).toBe(200)
    expect((await fetch(`${app.origin}/api/v1/probe`, { method: 'HEAD', ...cookie })).status).toBe(200)
    expect(await anybody.post('/probe/notes', { text: 'x' }, cookie)).toMatchObject(
      refused('UNAUTHENTICATED'),
    )
    expect(await anybody.delete('/probe', cookie)).toMatchObject(refused('UNAUTHENTICATED'))
  })

  test('does not make a wrong header good', async () => {
    for (const authorization of ['Bearer nonsense', 'Basic YTpi', 'Bearer', '']) {
      const headers = { ...withCookie(ann.accessToken).headers, authorization }
      expect(await anybody.get('/probe', { headers })).toMatchObject(refused('UNAUTHENTICATED'))
    }
  })

  test('that is wrong opens nothing', async () => {
    expect(await anybody.get('/probe', withCookie('nonsense'))).toMatchObject(refused('UNAUTHENTICATED'))
  })
})

describe('without a credential', () => {
  test('a route is closed unless it is public', async () => {
    expect(await anybody.get('/probe')).toMatchObject(refused('UNAUTHENTICATED'))
    expect(await anybody.get('/probe/open')).toMatchObject({ status: 200 })
    expect((await anybody.get('/probe/open', withHeader('Bearer nonsense'))).status).toBe(200)
  })

  test('nobody learns what is wrong with his input', async () => {
    expect((await anybody.post('/probe/notes', { wrong: true })).status).toBe(401)
    expect((await anybody.post('/probe/notes', undefined, { raw: '{' })).status).toBe(401)
    expect((await ann.api.post('/probe/notes', { wrong: true })).status).toBe(422)
  })
})
