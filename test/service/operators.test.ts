import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { Cluster } from '../../src/cluster/ask.js'
import { setOperator } from '../../src/db/set-operator.js'
import { type Nodes, startNodes } from '../cluster/nodes.js'
import { Api, register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { type ChatClient, connectChat } from '../support/chat.js'
import { cloneDatabase } from '../support/database.js'
import { rows } from '../work/support.js'

let app: TestApp
let operator: TestUser
let ann: TestUser
const chats: ChatClient[] = []
const aborting: AbortController[] = []

beforeAll(async () => {
  app = await startApp()
  operator = await newOperator()
})
afterAll(() => app.stop())
beforeEach(async () => {
  for (const chat of chats.splice(0)) chat.close()
  for (const controller of aborting.splice(0)) controller.abort()
  ann = await register(app.origin, 'Ann')
})

async function newOperator() {
  const user = await register(app.origin, 'Ops')
  await setOperator(app.database, user.email, true)
  return user
}

async function chat(token?: string, options = {}) {
  const client = await connectChat(app.origin, token, options)
  chats.push(client)
  return client
}

/** A stream of a user's, opened by a ticket. */
async function stream(user: TestUser) {
  const { id } = await workspaceOf(user)
  const path = `/api/v1/workspaces/${id}/stats/live`
  const { ticket } = await user.api.data('POST', '/auth/stream-tickets', { path })
  const controller = new AbortController()
  aborting.push(controller)
  const response = await fetch(`${app.origin}${path}?ticket=${ticket}`, { signal: controller.signal })
  expect(response.status).toBe(200)
  return { path, response }
}

/** The open connections, those of one user unless said otherwise. */
const listed = (query = `?userId=${ann.id}`) => operator.api.data('GET', `/admin/connections${query}`)

describe('the list of connections', () => {
  test('has every socket and stream of a user, the oldest first, with who, where and how', async () => {
    const websocket = await chat(ann.accessToken)
    const { path } = await stream(ann)
    const polling = await chat(ann.accessToken, { transports: ['polling'] })
    const common = {
      userId: ann.id,
      userName: 'Ann Person',
      connectedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      address: '127.0.0.1',
      node: expect.any(String),
      backlogBytes: expect.any(Number),
    }
    const list = await listed()
    expect(list).toEqual([
      { ...common, id: websocket.socket.id, kind: 'websocket', rooms: expect.any(Number), path: null },
      { ...common, id: expect.any(String), kind: 'stream', rooms: null, path },
      { ...common, id: polling.socket.id, kind: 'polling', rooms: expect.any(Number), path: null },
    ])
    expect(JSON.stringify(list)).not.toContain('ticket')
  })

  test('can be asked for one kind, and has those who have not shown who they are', async () => {
    const stranger = await chat()
    await chat(ann.accessToken)
    await stream(ann)
    expect(await listed(`?userId=${ann.id}&kind=stream`)).toMatchObject([{ kind: 'stream' }])
    expect(await listed('?kind=polling')).toEqual([])
    const [found] = (await listed('')).filter(({ id }: { id: string }) => id === stranger.socket.id)
    expect(found).toMatchObject({ userId: null, userName: null })
  })

  test('is walked page by page, with nobody left out or twice', async () => {
    for (let n = 0; n < 5; n++) await chat(ann.accessToken)
    await stream(ann)
    const walked: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const query: string = cursor && `&cursor=${cursor}`
      const { body } = await operator.api.get(`/admin/connections?userId=${ann.id}&limit=2${query}`)
      expect(body.meta).toMatchObject({ limit: 2, missingNodes: [] })
      walked.push(...body.data.map(({ id }: { id: string }) => id))
      cursor = body.meta.nextCursor
    }
    const all = await listed()
    expect(walked).toEqual(all.map(({ id }: { id: string }) => id))
    expect(new Set(walked).size).toBe(6)
  })

  test('refuses what it does not know', async () => {
    const statuses = await Promise.all(
      ['?kind=smoke', '?userId=1', '?limit=0', '?who=me', '?cursor=x'].map(
        async query => (await operator.api.get(`/admin/connections${query}`)).status,
      ),
    )
    expect(statuses).toEqual([422, 422, 422, 422, 422])
  })

  test('says which nodes did not answer', async () => {
    const asked = vi
      .spyOn(app.container.resolve(Cluster), 'ask')
      .mockResolvedValueOnce({ answers: [], missing: ['b'] })
    const { body } = await operator.api.get('/admin/connections')
    expect(body).toMatchObject({ data: [], meta: { missingNodes: ['b'] } })
    asked.mockRestore()
  })
})

describe('an operator closes', () => {
  test('a socket, which is told why and does not come back by itself', async () => {
    const [closed, other] = [await chat(ann.accessToken, { reconnection: true }), await chat(ann.accessToken)]
    const ended = new Promise(resolve => closed.socket.once('disconnect', resolve))
    const { status } = await operator.api.delete(`/admin/connections/${closed.socket.id}`)
    expect(status).toBe(204)
    expect(await closed.next('error')).toMatchObject({
      code: 'CLOSED_BY_OPERATOR',
      message: expect.any(String),
    })
    expect(await ended).toBe('io server disconnect')
    expect(await listed()).toMatchObject([{ id: other.socket.id }])
    expect(await other.ask('channel:leave', { channelId: ann.id })).toMatchObject({ ok: true })
  })

  test('a stream', async () => {
    const { response } = await stream(ann)
    const [{ id }] = await listed()
    expect((await operator.api.delete(`/admin/connections/${id}`)).status).toBe(204)
    expect(await response.text()).toContain('retry: ')
    expect(await listed()).toEqual([])
  })

  test('nothing that is not there, and nothing of a made-up form', async () => {
    const gone = await operator.api.delete(`/admin/connections/${ann.id}`)
    expect([gone.status, gone.body.code]).toEqual([404, 'CONNECTION_NOT_FOUND'])
    expect((await operator.api.delete('/admin/connections/a%20b')).status).toBe(422)
  })

  test('nothing for sure, where a node that may have it says nothing', async () => {
    const ask = vi.spyOn(app.container.resolve(Cluster), 'ask')
    ask.mockResolvedValueOnce({ answers: [{ node: 'a', answer: false }], missing: ['b'] })
    const silent = await operator.api.delete(`/admin/connections/${ann.id}`)
    expect(silent).toMatchObject({ status: 503, body: { code: 'NODES_SILENT', retryAfterMs: 1_000 } })
    ask.mockRestore()
  })
})

describe('a user who is shut out', () => {
  const disable = (user: TestUser, disabled = true, by = operator) =>
    by.api.patch(`/admin/users/${user.id}`, { disabled })
  const signIn = async (user: TestUser) =>
    (await new Api(app.origin).post('/auth/login', { email: user.email, password: 'correct horse' })).status

  test('loses his sessions, sockets and streams at once, and cannot sign in or refresh', async () => {
    const socket = await chat(ann.accessToken)
    const { response } = await stream(ann)
    const { status, body } = await disable(ann)
    expect([status, body.data]).toEqual([
      200,
      {
        id: ann.id,
        username: ann.user.username,
        firstName: 'Ann',
        lastName: 'Person',
        avatarUrl: null,
        email: ann.email,
        isOperator: false,
        disabledAt: expect.stringMatching(/Z$/),
      },
    ])
    expect(await socket.next('error')).toMatchObject({ code: 'SESSION_REVOKED' })
    await response.text()
    expect(await ann.api.get('/users/me')).toMatchObject({ status: 401, body: { code: 'SESSION_REVOKED' } })
    const refreshed = await new Api(app.origin).post('/auth/refresh', { refreshToken: ann.refreshToken })
    expect(refreshed.status).toBe(401)
    expect(await signIn(ann)).toBe(401)
    const reasons = await rows(app, 'select revoked_reason from sessions where user_id = $1', [ann.id])
    expect(reasons).toEqual([{ revoked_reason: 'disabled' }])
  })

  test('stays so when it is done twice, and is let in again', async () => {
    const first = (await disable(ann)).body.data.disabledAt
    expect((await disable(ann)).body.data.disabledAt).toBe(first)
    expect((await disable(ann, false)).body.data.disabledAt).toBeNull()
    expect(await signIn(ann)).toBe(200)
    expect((await ann.api.get('/users/me')).status).toBe(401)
  })

  test('has no session that began meanwhile', async () => {
    const [, ...signedIn] = await Promise.all([
      disable(ann),
      ...Array.from({ length: 10 }, () =>
        new Api(app.origin).post('/auth/login', { email: ann.email, password: 'correct horse' }),
      ),
    ])
    const tokens = signedIn.flatMap(({ body }) => body.data?.accessToken ?? [])
    for (const token of tokens) expect((await new Api(app.origin, token).get('/users/me')).status).toBe(401)
  })

  test('is there, and somebody else', async () => {
    const unknown = await operator.api.patch('/admin/users/00000000-0000-7000-8000-000000000000', {
      disabled: true,
    })
    expect([unknown.status, unknown.body.code]).toEqual([404, 'USER_NOT_FOUND'])
    const self = await disable(operator)
    expect([self.status, self.body.code]).toEqual([403, 'FORBIDDEN'])
    expect((await operator.api.get('/admin/connections')).status).toBe(200)
  })

  test('is never the last operator: of two who shut each other out one remains', async () => {
    const [one, other] = [await newOperator(), await newOperator()]
    await setOperator(app.database, operator.email, false)
    const answers = await Promise.all([disable(one, true, other), disable(other, true, one)])
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const remaining = await rows(app, 'select id from users where is_operator and disabled_at is null')
    expect(remaining).toHaveLength(1)
    await setOperator(app.database, operator.email, true)
  })
})

describe('of two nodes', () => {
  let cluster: Nodes
  let ops: TestUser
  let bob: TestUser

  beforeAll(async () => {
    cluster = await startNodes(2)
    const [one, other] = cluster.nodes as [TestApp, TestApp]
    ops = await register(one.origin, 'Ops')
    bob = await register(other.origin, 'Bob')
    await setOperator(one.database, ops.email, true)
  })
  afterAll(() => cluster.stop())

  const onBoth = () => Promise.all(cluster.nodes.map(({ origin }) => connectChat(origin, bob.accessToken)))
  const list = () => ops.api.get(`/admin/connections?userId=${bob.id}`)

  test('the connections of both are listed, walked and closed on either', async () => {
    const [one, other] = (await onBoth()) as [ChatClient, ChatClient]
    const expected = [one, other].map(({ socket }, n) => ({ id: socket.id, node: `node${n + 1}` }))
    await expect
      .poll(async () => {
        const { body } = await list()
        return [
          body.meta.missingNodes,
          body.data.map(({ id, node }: { id: string; node: string }) => ({ id, node })),
        ]
      })
      .toEqual([[], expect.arrayContaining(expected)])
    const { body } = await ops.api.get(`/admin/connections?userId=${bob.id}&limit=1`)
    const rest = await ops.api.get(`/admin/connections?userId=${bob.id}&cursor=${body.meta.nextCursor}`)
    expect(rest.body.data).toHaveLength(1)
    expect((await ops.api.delete(`/admin/connections/${other.socket.id}`)).status).toBe(204)
    expect(await other.next('error')).toMatchObject({ code: 'CLOSED_BY_OPERATOR' })
    expect((await list()).body.data).toMatchObject([{ id: one.socket.id }])
    const gone = await ops.api.delete(`/admin/connections/${other.socket.id}`)
    expect([gone.status, gone.body.code]).toEqual([404, 'CONNECTION_NOT_FOUND'])
    one.close()
  })

  test('a user who is shut out on one is turned out of both', async () => {
    const sockets = await onBoth()
    expect((await ops.api.patch(`/admin/users/${bob.id}`, { disabled: true })).status).toBe(200)
    for (const socket of sockets)
      expect(await socket.next('error')).toMatchObject({ code: 'SESSION_REVOKED' })
  })
})

test('who is no operator any more may nothing more', async () => {
  const former = await newOperator()
  expect((await former.api.get('/admin/connections')).status).toBe(200)
  await setOperator(app.database, former.email, false)
  expect((await former.api.get('/admin/connections')).status).toBe(403)
})

describe('npm run operator', () => {
  const script = fileURLToPath(new URL('../../dist/db/operator.js', import.meta.url))
  const run = async (databaseUrl: string, ...args: string[]) => {
    const env = { ...process.env, DATABASE_URL: databaseUrl }
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [script, ...args], { env }).catch(
      error => error,
    )
    return stdout || stderr
  }

  test('makes somebody an operator by his e-mail, and takes it back', async () => {
    const { url, drop } = await cloneDatabase()
    const other = await startApp({ config: { databaseUrl: url } })
    const bob = await register(other.origin, 'Bob')
    const mayLook = async () => (await bob.api.get('/admin/connections')).status
    expect(await mayLook()).toBe(403)
    expect(await run(url, bob.email.toUpperCase())).toBe(`${bob.email} is an operator now.\n`)
    expect(await mayLook()).toBe(200)
    expect(await run(url, bob.email, '--revoke')).toBe(`${bob.email} is no operator any more.\n`)
    expect(await mayLook()).toBe(403)
    expect(await run(url, 'nobody@example.com')).toBe('There is no user nobody@example.com\n')
    for (const args of [[], ['--all'], ['a@example.com', 'b@example.com']])
      expect(await run(url, ...args)).toContain('npm run operator -- ann@example.com')
    await other.stop()
    await drop()
  })
})
