import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import pg from 'pg'
import { describe, expect, test, vi } from 'vitest'
import { Api } from '../support/api.js'
import { connectChat } from '../support/chat.js'
import { cloneDatabase } from '../support/database.js'
import { startServer, temporaryFolder } from '../support/process.js'

const passwords = {
  first: 'first-pass-phrase-9f2c',
  wrong: 'wrong-pass-phrase-71aa',
  second: 'second-pass-phrase-c04d',
}

/** All that a log must never tell, by what it is. */
class Secrets {
  readonly known = new Map<string, string>()

  add(what: string, secret: unknown): string {
    if (typeof secret !== 'string' || secret.length < 12) throw new Error(`${what} is no secret`)
    this.known.set(what, secret)
    return secret
  }

  /** Tokens of a sign-in, and their parts that would be as good. */
  addTokens(what: string, { accessToken, refreshToken }: { accessToken: string; refreshToken: string }) {
    this.add(`${what}, access token`, accessToken)
    this.add(`${what}, signature`, accessToken.split('.')[2])
    this.add(`${what}, refresh token`, refreshToken)
  }

  foundIn(log: string): string[] {
    return [...this.known].filter(([, secret]) => log.includes(secret)).map(([what]) => what)
  }
}

async function signInAndOut(anyone: Api, secrets: Secrets) {
  const person = { email: 'ann@example.com', firstName: 'Ann', lastName: 'Person' }
  const { email } = person
  const registered = await anyone.data('POST', '/auth/register', { ...person, password: passwords.first })
  secrets.addTokens('registration', registered)
  expect((await anyone.post('/auth/login', { email, password: passwords.wrong })).status).toBe(401)
  expect((await anyone.post('/auth/login', { email, password: passwords.wrong, x: 1 })).status).toBe(422)
  const cut = `{"email":"${email}","password":"${passwords.wrong}"`
  expect((await anyone.post('/auth/login', undefined, { raw: cut })).status).toBe(400)
  const login = await anyone.data('POST', '/auth/login', { email, password: passwords.first })
  secrets.addTokens('login', login)
  const { refreshToken } = login
  const refreshed = await anyone.data('POST', '/auth/refresh', { refreshToken })
  secrets.addTokens('refresh', refreshed)
  expect((await anyone.post('/auth/refresh', { refreshToken })).body.code).toBe('REFRESH_TOKEN_REUSED')
  const stale = new Api(anyone.origin, login.accessToken)
  expect((await stale.get('/users/me')).body.code).toBe('SESSION_REVOKED')
  const again = await anyone.data('POST', '/auth/login', { email, password: passwords.first })
  secrets.addTokens('second login', again)
  return { email, api: new Api(anyone.origin, again.accessToken), token: String(again.accessToken) }
}

async function openStream(origin: string, path: string, headers: Record<string, string> = {}) {
  const stream = request(`${origin}${path}`, { headers }).end()
  const [response] = await once(stream, 'response')
  stream.destroy()
  return response.statusCode
}

async function watch({ api, token }: { api: Api; token: string }, secrets: Secrets) {
  const { origin } = api
  const { id } = await api.data('POST', '/workspaces', { name: 'Team' })
  const path = `/api/v1/workspaces/${id}/stats/live`
  const { ticket } = await api.data('POST', '/auth/stream-tickets', { path })
  secrets.add('ticket', ticket)
  expect(await openStream(origin, `${path}?ticket=${ticket}`)).toBe(200)
  expect(await openStream(origin, `${path.replace('stats', 'nothing')}?ticket=${ticket}`)).toBe(404)
  expect(await openStream(origin, `${path}?ticket=${token}`)).toBe(401)
  expect(await openStream(origin, `/api/v1/users/me?access_token=${token}`)).toBe(401)
  expect(await openStream(origin, path, { cookie: `vibed_access=${token}` })).toBe(200)
  return String(id)
}

async function chat({ api, token }: { api: Api; token: string }) {
  const refused = await connectChat(api.origin, `${token}x`)
  expect((await refused.ask('auth', { token: `${token}x` })).ok).toBe(false)
  expect((await refused.ask('auth', { token, extra: token })).ok).toBe(false)
  expect((await refused.ask('auth', { token })).ok).toBe(true)
  refused.close()
  const polling = await connectChat(api.origin, token, { transports: ['polling'] })
  expect((await polling.ask('no:such:event', { token })).ok).toBe(false)
  polling.close()
}

/** Written after the answer, so that how long that takes does not tell whether there is such an account. */
function mailedToken(outbox: string): string {
  const [mail = ''] = readdirSync(outbox)
  const [token] = /[\w-]{43}/.exec(readFileSync(join(outbox, mail), 'utf8')) ?? []
  if (token === undefined) throw new Error('The mail is not there yet')
  return token
}

async function inviteAndReset(
  { api, email }: { api: Api; email: string },
  workspaceId: string,
  folder: string,
  secrets: Secrets,
) {
  const guest = { email: 'bob@example.com', role: 'guest' }
  const headers = { 'idempotency-key': 'invite-bob' }
  const invite = () => api.post(`/workspaces/${workspaceId}/invite`, guest, { headers })
  secrets.add('invitation', (await invite()).body.data.token)
  expect((await invite()).headers.get('idempotency-replayed')).toBe('true')
  const anyone = new Api(api.origin)
  await anyone.data('POST', '/auth/forgot-password', { email })
  const reset = secrets.add('reset token', await vi.waitFor(() => mailedToken(join(folder, 'outbox'))))
  await anyone.data('POST', '/auth/reset-password', { token: reset, password: passwords.second })
  const login = await anyone.data('POST', '/auth/login', { email, password: passwords.second })
  secrets.addTokens('login after the reset', login)
  await anyone.data('POST', '/auth/logout', { refreshToken: login.refreshToken })
}

/** A statement that fails tells Postgres' clients about the row that it was sent. */
async function registerInVain(anyone: Api, databaseUrl: string) {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query('alter table users add constraint broken check (false) not valid')
  await client.end()
  const person = { email: 'eve@example.com', firstName: 'Eve', lastName: 'Person' }
  const answer = await anyone.post('/auth/register', { ...person, password: passwords.first })
  expect(answer.status).toBe(500)
}

describe('the log', () => {
  test('tells no password, token, ticket or hash, whatever happens in a session', async () => {
    const folder = temporaryFolder()
    const database = await cloneDatabase()
    const env = { VIBED_DATA_DIR: folder, DATABASE_URL: database.url, LOG_LEVEL: 'trace' }
    const { server, origin } = await startServer(env)
    const secrets = new Secrets()
    for (const [which, password] of Object.entries(passwords)) secrets.add(`${which} password`, password)
    const { jwtSecret } = JSON.parse(readFileSync(join(folder, 'secrets.json'), 'utf8'))
    secrets.add('secret of the tokens', jwtSecret)
    secrets.add('hash of a password', '$argon2id$v=')

    const anyone = new Api(origin)
    const ann = await signInAndOut(anyone, secrets)
    const workspaceId = await watch(ann, secrets)
    await chat(ann)
    await inviteAndReset(ann, workspaceId, folder, secrets)
    await registerInVain(anyone, database.url)
    server.signal('SIGTERM')
    const { stdout, stderr } = await server.ended
    await database.drop()

    const log = stdout + stderr
    expect(log).toContain('/api/v1/auth/login')
    expect(log).toContain('insert into')
    expect(secrets.foundIn(log)).toEqual([])
  })
})
