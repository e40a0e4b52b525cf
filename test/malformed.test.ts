import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { routesOf } from '@forinda/kickjs-core'
import { declarationsOf } from '@forinda/kickjs-ws'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { controllers } from '../src/app.js'
import { ChatController } from '../src/modules/chat/chat.controller.js'
import { events } from './access/events.js'
import { routes } from './access/routes.js'
import { makeWorld, type World } from './access/world.js'
import { register, type TestUser, workspaceOf } from './support/api.js'
import { startApp, type TestApp } from './support/app.js'
import { connectChat } from './support/chat.js'

// Whatever a client sends, it is answered with a 4xx that has a code, and the server lives.

let app: TestApp
let ann: TestUser
let workspaceId: string
let channelId: string

beforeAll(async () => {
  app = await startApp({ notifies: true })
  ann = await register(app.origin, 'Ann')
  workspaceId = (await workspaceOf(ann)).id
  channelId = (
    await ann.api.data('POST', `/workspaces/${workspaceId}/channels`, { name: 'x', type: 'public' })
  ).id
})
afterAll(() => app.stop())

describe('bodies', () => {
  const messages = () => `/channels/${channelId}/messages`

  test.each([
    ['broken JSON', '{"content": ', 400, 'MALFORMED_JSON'],
    ['a bare word', 'hello', 400, 'MALFORMED_JSON'],
    ['a list', '[]', 422, 'VALIDATION_ERROR'],
    ['null', 'null', 400, 'MALFORMED_JSON'],
    ['nothing', '', 422, 'VALIDATION_ERROR'],
    ['a prototype', '{"__proto__": {"content": "x"}}', 422, 'VALIDATION_ERROR'],
    ['an escaped NUL', '{"content": "a\\u0000b"}', 422, 'VALIDATION_ERROR'],
    ['half a surrogate pair', '{"content": "\\ud83d"}', 422, 'VALIDATION_ERROR'],
    ['two megabytes', JSON.stringify({ content: 'x'.repeat(2_000_000) }), 413, 'PAYLOAD_TOO_LARGE'],
    ['deep nesting', `{"content": ${'['.repeat(50_000)}${']'.repeat(50_000)}}`, 422, 'VALIDATION_ERROR'],
  ])('%s', async (_what, raw, status, code) => {
    const { body, ...answer } = await ann.api.post(messages(), undefined, { raw })
    expect([answer.status, body.code]).toEqual([status, code])
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
  })

  test('bytes that are no UTF-8 are not taken as something else', async () => {
    const raw = Buffer.concat([
      Buffer.from('{"content": "'),
      Buffer.from([0xff, 0xfe, 0xc0]),
      Buffer.from('"}'),
    ])
    const { status } = await ann.api.post(messages(), undefined, { raw })
    expect(status).toBeLessThan(500)
  })

  test.each([['text/plain'], ['application/x-www-form-urlencoded'], ['multipart/form-data']])(
    'a body of %s is not supported',
    async type => {
      const answer = await ann.api.post(messages(), undefined, {
        raw: 'content=x',
        headers: { 'content-type': type },
      })
      expect([answer.status, answer.body.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE'])
    },
  )

  test('an anonymous caller is refused before his body is looked at', async () => {
    const response = await fetch(`${app.origin}/api/v1${messages()}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{broken',
    })
    expect(response.status).toBe(401)
  })
})

describe('paths and queries', () => {
  test.each([
    ['/channels/not-a-uuid', 422],
    ['/channels/00000000-0000-0000-0000-00000000000g', 422],
    [`/channels/${randomUUID()}`, 404],
    ['/channels/%00', 422],
    ['/channels/%E0%A4%A', 400],
    ['/channels/..%2f..%2fetc', 422],
    ['/nowhere', 404],
    ['/channels', 404],
    [`/messages/${'9'.repeat(5_000)}`, 422],
  ])('%s', async (path, status) => {
    const answer = await ann.api.get(path)
    expect(answer.status).toBe(status)
    expect(answer.body.code).toMatch(/^[A-Z_]+$/)
  })

  test.each(['x=1', '__proto__=1', 'limit[]=5', 'limit=5&limit=5', 'cursor=', 'limit=%00', 'limit=٣'])(
    'the query %s is refused by name',
    async query => {
      const { status, body } = await ann.api.get(`/workspaces?${query}`)
      expect([status, body.code]).toEqual([422, 'VALIDATION_ERROR'])
      expect(body.errors[0].path).toMatch(/^query/)
    },
  )

  test('a method that a path does not have is 405 and says which it has', async () => {
    const answer = await ann.api.put(`/channels/${channelId}`)
    expect([answer.status, answer.body.code]).toEqual([405, 'METHOD_NOT_ALLOWED'])
    expect(answer.headers.get('allow')).toContain('PATCH')
  })

  test.each([
    'GARBAGE\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    `GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
  ])('a raw request that is no HTTP gets a 4xx and a closed connection', async raw => {
    const { hostname, port } = new URL(app.origin)
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => socket.write(raw))
      let text = ''
      socket
        .on('data', chunk => (text += chunk))
        .on('close', () => resolve(text))
        .on('error', reject)
    })
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d/)
  })
})

describe('a body that a route does not take', () => {
  const member = () => `/workspaces/${workspaceId}/members/${ann.id}`

  test.each([
    ['POST', () => `/workspaces/${workspaceId}/leave`],
    ['DELETE', member],
  ])('is refused on %s', async (method, path) => {
    for (const body of [{ nonsense: 1 }, ['x']]) {
      const answer = await ann.api.call(method, path(), body)
      expect([answer.status, answer.body.code]).toEqual([422, 'VALIDATION_ERROR'])
      expect(answer.body.errors[0].path).toMatch(/^body/)
    }
  })

  test('may be empty', async () => {
    // The only owner cannot leave: what answers is the route itself.
    for (const body of [undefined, {}]) {
      const answer = await ann.api.post(`/workspaces/${workspaceId}/leave`, body)
      expect([answer.status, answer.body.code]).toEqual([409, 'LAST_OWNER'])
    }
  })
})

describe('every field that is known, with every value that it was not made for', () => {
  let world: World
  let ids: string[]

  beforeAll(async () => {
    world = await makeWorld(app.origin)
    const { people } = world
    const [theirs] = await people.outsider.api.data('GET', '/workspaces')
    const theirProject = { name: 'Theirs', key: 'THEIRS' }
    const theirChannel = { name: 'theirs', type: 'private' }
    ids = [
      randomUUID(),
      '00000000-0000-0000-0000-000000000000',
      'ffffffff-ffff-ffff-ffff-ffffffffffff',
      people.owner.id,
      people.outsider.id,
      world.workspaceId,
      await world.project(),
      await world.task(),
      await world.channel('private'),
      await world.message(),
      theirs.id,
      (await people.outsider.api.data('POST', `/workspaces/${theirs.id}/projects`, theirProject)).id,
      (await people.outsider.api.data('POST', `/workspaces/${theirs.id}/channels`, theirChannel)).id,
    ]
  })

  const targets = Object.entries(routes).filter(
    // What ends the session or never ends.
    ([route, { isStream }]) => !isStream && !/logout|reset-password/.test(route),
  )
  const contracts = new Map(
    controllers
      .flatMap(controller => routesOf(controller))
      .map(({ method, path, schemas }) => [`${method.toUpperCase()} ${path}`, schemas]),
  )

  test.each(targets)('%s', async (route, { attempt }) => {
    const [method = ''] = route.split(' ')
    const schemas = contracts.get(route)
    const { api } = world.people.owner
    const { path, body } = await attempt(world, 'owner')
    const attempts = [
      ...keysOf(schemas?.query).flatMap(key =>
        [...texts, ...ids].map(value => ({
          path: `${path}${path.includes('?') ? '&' : '?'}${key}=${encodeURIComponent(value.toWellFormed())}`,
          body,
        })),
      ),
      ...keysOf(schemas?.body).flatMap(key =>
        [...texts, ...ids, ...values, ids].map(value => ({ path, body: { ...Object(body), [key]: value } })),
      ),
      ...(path.match(uuids) ?? []).flatMap(own =>
        // All the others live in this workspace.
        [...ids.filter(id => method !== 'DELETE' || id !== world.workspaceId), ...texts].map(id => ({
          path: path.replace(own, encodeURIComponent(id.toWellFormed())),
          body,
        })),
      ),
    ]
    await inBatches(attempts, async ({ path, body }) => {
      const answer = await api.call(method, path, body)
      expect(answer.status, `${method} ${path} ${JSON.stringify(body)}`).toBeLessThan(500)
    })
    expect((await api.get('/users/me')).status).toBe(200)
  })

  test('the head of a request', async () => {
    const path = `/tasks/${await world.task()}`
    for (const name of ['if-match', 'idempotency-key', 'x-request-id', 'if-none-match', 'accept', 'cookie']) {
      for (const value of texts.map(text => text.replace(/[^\x20-\x7e]/g, '?'))) {
        const headers = { [name]: value }
        const changed = await world.people.owner.api.patch(path, { title: 'x' }, { headers })
        const created = await world.people.owner.api.post('/workspaces', { name: '' }, { headers })
        expect([changed.status, created.status].filter(status => status >= 500)).toEqual([])
      }
    }
  })

  test.each(Object.entries(events))('the event %s', async (event, { attempt }) => {
    const schema = declarationsOf(ChatController).find(
      found => found.on === 'message' && found.event === event,
    )
    const chat = await connectChat(app.origin, world.people.owner.accessToken)
    const payload = await attempt(world, chat)
    const keys = keysOf(schema?.on === 'message' ? schema.schema : undefined)
    const payloads = [
      ...texts,
      ...values,
      ...keys.flatMap(key =>
        [...texts, ...ids, ...values, ids].map(value => ({ ...Object(payload), [key]: value })),
      ),
    ]
    await inBatches(payloads, async payload => {
      const answer = await chat.ask(event, payload)
      if (!answer.ok) expect(answer.error, JSON.stringify(payload)).not.toMatchObject(internal)
    })
    expect(await chat.ask(event, payload)).toMatchObject(event === 'auth' ? { ok: false } : { ok: true })
    chat.close()
  })
})

const internal = { code: 'INTERNAL_SERVER_ERROR' }
const uuids = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Texts that are something to somebody: to a date, a number, a query, a file, a cursor. */
const texts = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud83d',
  '\ufffd\u202e\u0301',
  '😀'.repeat(300),
  'x'.repeat(3_000),
  '0',
  '-1',
  '1e400',
  '0x10',
  '99999999999999999999',
  '9007199254740991',
  '9223372036854775807',
  'NaN',
  '0000-01-01',
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00+14:00',
  '9999-12-31T23:59:59.999Z',
  '9999-12-31T23:59:59-14:00',
  '+275760-09-13T00:00:00.000Z',
  '2026-02-30',
  '2026-07-01T00:00:00.123456789Z',
  'me',
  'none',
  'a,b,,c',
  ',',
  '%',
  '_',
  "'; drop table users; --",
  ':*&|!()<->',
  '\\',
  '../../etc/passwd',
  '__proto__',
  'constructor',
  encoded(null),
  encoded([]),
  encoded({}),
  encoded(['0000-01-01T00:00:00.000Z', randomUUID()]),
  encoded(['a\0b', 'a\0b', 'a\0b']),
  encoded([1e300, 'x']),
  encoded([null, null]),
  encoded({ id: '\ud83d', seq: -1 }),
]

const values: unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  2 ** 31,
  2 ** 53,
  2 ** 63,
  1e308,
  [],
  [null],
  [[]],
  {},
  { length: 3 },
  Array.from({ length: 1_000 }, () => 'x'),
]

/** The fields of a contract, whatever it refuses beyond their types. */
function keysOf(schema: unknown): string[] {
  if (schema === undefined) return []
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape)
  if (schema instanceof z.ZodUnion) return [...new Set(schema.options.flatMap(keysOf))]
  throw new Error('Only objects have fields to try')
}

async function inBatches<T>(items: readonly T[], run: (item: T) => Promise<void>) {
  for (let n = 0; n < items.length; n += 16) await Promise.all(items.slice(n, n + 16).map(run))
}
