import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { register, type TestUser } from './support/api.js'
import { startApp, type TestApp } from './support/app.js'
import { connectChat } from './support/chat.js'

// The whole server as a TCP peer sees it, where HTTP clients do not look.

let app: TestApp
let ann: TestUser

beforeAll(async () => {
  app = await startApp()
  ann = await register(app.origin, 'Ann')
})
afterAll(() => app.stop())

/** All that the server says to some bytes, until it closes or has said what is waited for. */
function say(bytes: string | Buffer, until = /\r\n\r\n/): Promise<string> {
  const { hostname, port } = new URL(app.origin)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    let text = ''
    socket.setTimeout(5_000, () => socket.destroy(new Error(`only ${JSON.stringify(text)} came`)))
    socket.on('error', reject).on('close', () => resolve(text))
    socket.on('data', chunk => {
      text += chunk
      if (until.test(text)) socket.end()
    })
  })
}

test.each(['h2c', 'websocket', 'TLS/1.0'])(
  'an upgrade to %s that is not for the chat is ignored',
  async protocol => {
    const asking = `Host: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocol}\r\nHTTP2-Settings: AAMAAABk\r\n`
    expect(await say(`GET /health/live HTTP/1.1\r\n${asking}\r\n`)).toMatch(/^HTTP\/1\.1 200 /)
    const body = JSON.stringify({ name: 'Upgraded' })
    const posted = await say(
      `POST /api/v1/workspaces HTTP/1.1\r\n${asking}Authorization: Bearer ${ann.accessToken}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    expect(posted).toMatch(/^HTTP\/1\.1 201 /)
    const chat = await connectChat(app.origin, ann.accessToken)
    expect(chat.all('welcome')).toHaveLength(1)
    chat.close()
  },
)

test('a body that is announced too large is refused before it is sent', async () => {
  const head =
    'POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n'
  const answer = await say(head, /"code":"PAYLOAD_TOO_LARGE"/)
  expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  expect(answer).toMatch(/connection: close/i)
})

test('text that is no UTF-8 is refused, not changed', async () => {
  const raw = Buffer.concat([Buffer.from('{"name":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')])
  const { status, body } = await ann.api.post('/workspaces', undefined, { raw })
  expect([status, body.code]).toEqual([400, 'MALFORMED_JSON'])
})

test.each([
  ['no HTTP', 'hello\r\n\r\n', 400, 'BAD_REQUEST'],
  [
    'two lengths',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    400,
    'BAD_REQUEST',
  ],
  [
    'endless headers',
    `GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(40_000)}\r\n\r\n`,
    431,
    'REQUEST_HEADER_FIELDS_TOO_LARGE',
  ],
])('%s is answered as a problem', async (_what, bytes, status, code) => {
  const answer = await say(bytes, /requestId/)
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  expect(answer).toContain('application/problem+json')
  expect(answer).toContain(`"code":"${code}"`)
})
