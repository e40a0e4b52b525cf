import { createHash, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { Idempotency } from '../../../src/http/idempotency.js'
import { Api, register, type TestUser, workspaceOf } from '../../support/api.js'
import { startApp, type TestApp } from '../../support/app.js'
import { newProject } from '../../work/support.js'
import { Probe } from './probe.js'

describe.each(['postgres', 'embedded'] as const)('an Idempotency-Key on %s', on => {
  let app: TestApp
  let probe: Probe
  let ann: TestUser
  /** A text, and so a count of notes, and a key of each test's own. */
  let text: string
  let key: string
  beforeAll(async () => {
    app = await startApp({ on })
    probe = app.container.resolve(Probe)
    ann = await register(app.origin)
  })
  beforeEach(() => {
    text = randomUUID()
    key = randomUUID()
  })
  afterAll(() => app?.stop())

  const headers = () => ({ headers: { 'idempotency-key': key } })
  const note = (how?: string, api = ann.api) => api.post('/probe/notes', { text, how }, headers())
  const claims = () => sql('select 1 from idempotency_keys where key = $1', [key])
  const sql = (statement: string, values: unknown[] = []) => app.database.pool.query(statement, values)

  async function notes(named = text): Promise<number> {
    return (await sql('select count(*) from workspaces where name = $1', [named])).rows[0].count
  }

  function closeGate() {
    let open = () => {}
    probe.gate = new Promise(resolve => {
      open = resolve
    })
    return () => open()
  }

  test('replays the first answer, and does nothing twice', async () => {
    const first = await note()
    expect(first.status).toBe(201)
    expect(first.headers.get('idempotency-replayed')).toBeNull()
    for (let n = 0; n < 2; n++) {
      const again = await note()
      expect([again.status, again.body]).toEqual([201, first.body])
      for (const name of ['location', 'content-type', 'set-cookie']) {
        expect(again.headers.get(name)).toBe(first.headers.get(name))
      }
      expect(again.headers.get('idempotency-replayed')).toBe('true')
    }
    expect(await notes()).toBe(1)
  })

  test('replays an answer without a body', async () => {
    expect((await note('nothing')).status).toBe(204)
    const again = await note('nothing')
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([204, 'true'])
  })

  test('carries out what 50 send at once a single time', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => note()))
    const [first, ...others] = new Set(answers.map(({ status, body }) => `${status} ${body.data?.id}`))
    expect([first, others, await notes()]).toEqual([expect.stringMatching(/^201 /), [], 1])
    const replayed = answers.filter(({ headers: sent }) => sent.has('idempotency-replayed'))
    expect(replayed).toHaveLength(49)
  })

  test('lets one of those who wait go on when the first has failed before any change', async () => {
    probe.failures = 0
    const open = closeGate()
    const racers = Array.from({ length: 3 }, () => note('wait-and-fail-once'))
    await vi.waitFor(async () => expect((await claims()).rowCount).toBe(1))
    open()
    const statuses = (await Promise.all(racers)).map(({ status }) => status)
    expect([statuses.sort(), await notes()]).toEqual([[201, 201, 500], 1])
  })

  test('belongs to one request: another body, path or query is refused', async () => {
    await note()
    const other = [
      ann.api.post('/probe/notes', { text: 'other' }, headers()),
      ann.api.post('/probe/open/notes', { text }, { headers: { ...headers().headers } }),
      ann.api.post('/auth/logout-all', undefined, headers()),
    ]
    const [body, anonymous, path] = await Promise.all(other)
    expect(body).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } })
    expect(path).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } })
    expect(anonymous?.status).toBe(201)
  })

  test('belongs to one user', async () => {
    const bob = await register(app.origin)
    const [first, second] = [await note(), await note(undefined, bob.api)]
    expect(second.body.data.id).not.toBe(first.body.data.id)
    expect(await notes()).toBe(2)
  })

  test('keeps the tokens of a registration unreadable, and replays them', async () => {
    const person = { email: `${key}@example.com`, password: 'correct horse', firstName: 'A', lastName: 'B' }
    const api = new Api(app.origin)
    const first = await api.post('/auth/register', person, headers())
    const again = await api.post('/auth/register', person, headers())
    expect([first.status, again.status, again.body]).toEqual([201, 201, first.body])
    expect(again.headers.get('set-cookie')).toContain(first.body.data.accessToken)
    const { rows } = await sql('select * from idempotency_keys where key = $1', [key])
    const stored = JSON.stringify(rows)
    expect(rows).toHaveLength(1)
    // Nor is it there as a hash that passwords could be tried out on.
    const sent = JSON.stringify(['POST', '/api/v1/auth/register', person])
    const hash = createHash('sha256').update(sent).digest('base64url')
    for (const secret of [person.email, person.password, hash, first.body.data.accessToken.split('.')[2]]) {
      expect(stored).not.toContain(secret)
    }
  })

  test('does not keep a refusal before any change: it may be tried again', async () => {
    probe.closed = true
    expect((await note()).status).toBe(403)
    probe.closed = false
    expect((await ann.api.post('/probe/notes', { txt: text }, headers())).status).toBe(422)
    expect((await note()).status).toBe(201)
    expect(await notes()).toBe(1)
  })

  test('keeps a refusal after a change', async () => {
    for (let n = 0; n < 2; n++) {
      expect(await note('refuse')).toMatchObject({ status: 409, body: { code: 'ALREADY_MEMBER' } })
    }
    expect(await notes()).toBe(1)
    const { refreshToken } = await register(app.origin)
    const refresh = (options?: object) => new Api(app.origin).post('/auth/refresh', { refreshToken }, options)
    await refresh()
    const [reused, again] = [await refresh(headers()), await refresh(headers())]
    expect(reused.body.code).toBe('REFRESH_TOKEN_REUSED')
    expect(again.body).toEqual(reused.body)
  })

  test('runs again after a failure of ours that changed nothing, and not after one that did', async () => {
    expect((await note('break-first')).status).toBe(500)
    expect((await note('break-first')).status).toBe(500)
    key = randomUUID()
    expect((await note('break')).status).toBe(500)
    expect(await note('break')).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_ANSWER_LOST' } })
    expect(await notes()).toBe(1)
  })

  test('waits for a request under way, whether or not it has changed something yet', async () => {
    for (const how of ['wait', 'wait-after']) {
      key = randomUUID()
      const open = closeGate()
      const first = note(how)
      const owned = await vi.waitFor(async () => {
        const { rows } = await sql('select committed from idempotency_keys where key = $1', [key])
        expect(rows[0]?.committed).toBe(how === 'wait-after')
        return rows
      })
      expect(owned).toHaveLength(1)
      const tooEarly = await note(how)
      expect(tooEarly).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_IN_PROGRESS' } })
      expect([tooEarly.body.retryAfterMs, tooEarly.headers.get('retry-after')]).toEqual([1_000, '1'])
      open()
      const { body } = await first
      expect((await note(how)).body).toEqual(body)
    }
    expect(await notes()).toBe(2)
  })

  test('replays to nobody what he does not see any more', async () => {
    const bob = await register(app.origin)
    const { id } = await workspaceOf(ann, bob)
    const { id: projectId } = await newProject(ann, id)
    const post = (path: string, body?: object) => bob.api.post(path, body, headers())
    const channel = { name: `c-${key}`.slice(0, 20), type: 'public' }
    const { id: channelId } = await ann.api.data('POST', `/workspaces/${id}/channels`, channel)
    const calls: [code: string, path: string, body: object][] = [
      ['WORKSPACE_NOT_FOUND', `/workspaces/${id}/channels`, { name: 'of-bob', type: 'public' }],
      ['PROJECT_NOT_FOUND', `/projects/${projectId}/tasks`, { title: text }],
      ['CHANNEL_NOT_FOUND', `/channels/${channelId}/messages`, { content: text }],
    ]
    const keys: string[] = []
    for (const [, path, body] of calls) {
      key = randomUUID()
      keys.push(key)
      expect((await post(path, body)).status).toBe(201)
      expect((await post(path, body)).headers.get('idempotency-replayed')).toBe('true')
    }
    await ann.api.data('DELETE', `/workspaces/${id}/members/${bob.id}`)
    for (const [n, [code, path, body]] of calls.entries()) {
      key = keys[n] ?? ''
      expect(await post(path, body)).toMatchObject({ status: 404, body: { code } })
    }
  })

  test('replays to one who left that he has left', async () => {
    const bob = await register(app.origin)
    const { id } = await workspaceOf(ann, bob)
    const leave = () => bob.api.post(`/workspaces/${id}/leave`, {}, headers())
    expect([(await leave()).status, (await leave()).status]).toEqual([204, 204])
  })

  test('does not replay a sign-in whose session is over', async () => {
    const api = new Api(app.origin)
    const credentials = { email: ann.email, password: 'correct horse' }
    const logIn = () => api.post('/auth/login', credentials, headers())
    const first = await logIn()
    expect((await logIn()).body).toEqual(first.body)
    await api.post('/auth/logout', { refreshToken: first.body.data.refreshToken })
    const second = await logIn()
    expect([second.status, second.headers.get('idempotency-replayed')]).toEqual([200, null])
    expect((await new Api(app.origin, second.body.data.accessToken).get('/users/me')).status).toBe(200)
    expect((await logIn()).body).toEqual(second.body)

    key = randomUUID()
    const refresh = () =>
      api.post('/auth/refresh', { refreshToken: second.body.data.refreshToken }, headers())
    const { accessToken } = (await refresh()).body.data
    await new Api(app.origin, accessToken).post('/auth/logout-all')
    expect((await refresh()).status).toBe(401)
    ann = await register(app.origin)
  })

  test('is taken over from a server that died before the change, and never after it', async () => {
    const open = closeGate()
    const slow = note('wait')
    const expire = () =>
      sql("update idempotency_keys set locked_until = now() - interval '1 s' where key = $1", [key])
    await vi.waitFor(async () => expect((await expire()).rowCount).toBe(1))
    probe.gate = Promise.resolve()
    expect((await note('wait')).status).toBe(201)
    open()
    // The first one was not dead after all; its transaction finds that out and changes nothing.
    expect(await slow).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_IN_PROGRESS' } })
    expect(await notes()).toBe(1)

    await sql('update idempotency_keys set status = null, answer = null where key = $1', [key])
    await expire()
    expect(await note('wait')).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_ANSWER_LOST' } })
    expect(await notes()).toBe(1)
  })

  test('gives the answer to a client that was gone when it came', async () => {
    const open = closeGate()
    const leaving = new AbortController()
    const gone = fetch(`${app.origin}/api/v1/probe/notes`, {
      method: 'POST',
      headers: {
        ...headers().headers,
        authorization: `Bearer ${ann.accessToken}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ text, how: 'wait-after' }),
      signal: leaving.signal,
    }).catch((error: Error) => error.name)
    await vi.waitFor(async () => expect(await notes()).toBe(1))
    leaving.abort()
    expect(await gone).toBe('AbortError')
    open()
    const again = await vi.waitFor(async () => {
      const answer = await note('wait-after')
      expect(answer.status).toBe(201)
      return answer
    })
    expect([again.body.data.text, await notes()]).toEqual([text, 1])
  })

  test('is no part of what follows after the answer', async () => {
    expect((await note('follow-up')).status).toBe(201)
    await vi.waitFor(async () => expect(await notes(`${text}, later`)).toBe(1))
  })

  test('sends a message once, though messages share their commits', async () => {
    const workspace = await workspaceOf(ann)
    const channel = { name: `c-${key}`.slice(0, 20), type: 'public' }
    const { id } = await ann.api.data('POST', `/workspaces/${workspace.id}/channels`, channel)
    const send = () => ann.api.post(`/channels/${id}/messages`, { content: text }, headers())
    const first = await send()
    expect((await send()).body).toEqual(first.body)
    // As if the server had died between the commit and the answer.
    await sql(
      'update idempotency_keys set status = null, answer = null, locked_until = now() where key = $1',
      [key],
    )
    expect((await send()).body.data).toEqual(first.body.data)
    expect((await sql('select 1 from messages where content = $1', [text])).rows).toHaveLength(1)
    key = randomUUID()
    expect((await send()).body.data.messageId).not.toBe(first.body.data.messageId)
  })

  test('is forgotten after a day', async () => {
    const first = await note()
    const { rows } = await sql(
      "select expires_at - now() > interval '23 h' as kept from idempotency_keys where key = $1",
      [key],
    )
    expect(rows[0].kept).toBe(true)
    await app.container.resolve(Idempotency).removeExpired(Date.now() + 23 * 3_600_000)
    expect((await note()).body).toEqual(first.body)
    await sql('update idempotency_keys set expires_at = now() where key = $1', [key])
    expect((await note()).body.data.id).not.toBe(first.body.data.id)
    await app.container.resolve(Idempotency).removeExpired(Date.now() + 25 * 3_600_000)
    expect((await sql('select 1 from idempotency_keys')).rows).toEqual([])
  })

  test('is 1 to 255 printable characters, and means nothing on other methods', async () => {
    for (const wrong of ['', 'x'.repeat(256), 'caf\u00e9']) {
      key = wrong
      expect(await note()).toMatchObject({
        status: 422,
        body: { errors: [{ path: 'headers.idempotency-key' }] },
      })
    }
    key = `${'x'.repeat(200)} ~${randomUUID()}`
    expect((await note()).status).toBe(201)
    expect((await ann.api.get('/probe', headers())).status).toBe(200)
  })
})

test('an answer cannot be read with another secret', async () => {
  const app = await startApp()
  const ann = await register(app.origin)
  const send = () => ann.api.post('/probe/notes', { text: 'x' }, { headers: { 'idempotency-key': 'k' } })
  expect((await send()).status).toBe(201)
  await app.database.pool.query("update idempotency_keys set answer = repeat('A', 100)")
  expect(await send()).toMatchObject({ status: 409, body: { code: 'IDEMPOTENCY_ANSWER_LOST' } })
  await app.stop()
})
