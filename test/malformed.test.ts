import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { routesOf } from '@forinda/kickjs-core'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { controllers } from '../src/app.js'
import { register, type TestUser, workspaceOf } from './support/api.js'
import { startApp, type TestApp } from './support/app.js'

// Whatever a client sends, it is answered with a 4xx that has a code, and the server lives.

let app: TestApp
let ann: TestUser
let workspaceId: string
let channelId: string

beforeAll(async () => {
  app = await startApp()
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

describe('anything at all', () => {
  const targets = controllers
    .flatMap(controller => routesOf(controller))
    .filter(({ path }) => !/live|stream$/.test(path))

  test('random ids, queries and bodies on every route never make a 5xx', async () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(workspaceId, channelId, ann.id),
      fc.uuid(),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...targets),
        value,
        fc.dictionary(fc.string({ minLength: 1 }), fc.string({ unit: 'binary' }), { maxKeys: 2 }),
        fc.json(),
        async ({ method, path }, id, query, raw) => {
          const filled = path.replace(/:\w+/g, () => encodeURIComponent(wellFormed(id)))
          const search = new URLSearchParams(query).toString()
          const hasBody = method !== 'get'
          // Signing oneself out would leave the rest of the run anonymous.
          if (path === '/auth/logout-all') return
          const answer = await ann.api.call(
            method.toUpperCase(),
            `${filled}?${search}`,
            undefined,
            hasBody ? { raw } : {},
          )
          expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(500)
        },
      ),
      { numRuns: 600 },
    )
    expect((await ann.api.get('/users/me')).status).toBe(200)
  })

  const wellFormed = (text: string) => text.toWellFormed()
})
