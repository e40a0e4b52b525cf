import { once } from 'node:events'
import { watch } from 'node:fs'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { Api, settle, type TestUser } from '../support/api.js'
import { type ChatClient, connectChat } from '../support/chat.js'
import { cloneDatabase } from '../support/database.js'
import { ServerProcess, startServer, temporaryFolder } from '../support/process.js'

const SOCKETS = 100
const POLLING = 20
const STREAMS = 100
const STOP_MS = 5_000

/** Many at once, but no more at a time than a server takes on happily. */
async function each<T>(count: number, open: (n: number) => Promise<T>): Promise<T[]> {
  const opened: T[] = []
  for (let n = 0; n < count; n += 20) {
    const batch = Array.from({ length: Math.min(20, count - n) }, (_, k) => open(n + k))
    opened.push(...(await Promise.all(batch)))
  }
  return opened
}

/** An open stream that has told its first event; `ended` resolves when the server has closed it. */
async function openStream({ api }: TestUser, path: string) {
  const stream = request(`${api.origin}/api/v1${path}`, { headers: { authorization: `Bearer ${api.token}` } })
  stream.end()
  const [response]: IncomingMessage[] = await once(stream, 'response')
  if (response?.statusCode !== 200) throw new Error(`${path} answered ${response?.statusCode}`)
  const ended = new Promise<string>(resolve => {
    response.on('end', () => resolve('ended')).on('error', error => resolve(error.message))
  })
  await once(response, 'data')
  return { ended }
}

/** A POST whose head the server has read and whose body it waits for. */
async function postUnderWay({ api }: TestUser, path: string, body: unknown) {
  const json = JSON.stringify(body)
  const post = request(`${api.origin}/api/v1${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${api.token}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(json),
      expect: '100-continue',
    },
  })
  post.flushHeaders()
  await once(post, 'continue')
  return { post, finish: () => answerTo(post.end(json)) }
}

async function answerTo(post: ClientRequest) {
  const [response]: IncomingMessage[] = await once(post, 'response')
  if (!response) throw new Error('no response')
  const chunks: Buffer[] = await response.toArray()
  return {
    status: response.statusCode,
    connection: response.headers.connection,
    body: JSON.parse(Buffer.concat(chunks).toString()),
  }
}

/** A connection kept alive after one answer, or one that never asked anything. */
async function openConnection(origin: string, asks: boolean) {
  const { port } = new URL(origin)
  const socket = connect(Number(port), '127.0.0.1')
  await once(socket, 'connect')
  if (asks) {
    socket.write('GET /nowhere HTTP/1.1\r\nHost: vibed\r\n\r\n')
    await once(socket, 'data')
  }
  return socket.resume()
}

const closeOf = (socket: Socket) => new Promise<void>(resolve => socket.once('close', () => resolve()))

const disconnectOf = ({ socket }: ChatClient) =>
  new Promise<string>(resolve => {
    socket.once('disconnect', reason => resolve(reason))
  })

async function openSocket({ api }: TestUser, n: number, channelId: string) {
  const transports = n < POLLING ? ['polling'] : ['websocket']
  const client = await connectChat(api.origin, api.token, { transports })
  await client.data('channel:join', { channelId })
  return client
}

describe.each([
  ['SIGTERM', 'embedded'],
  ['SIGINT', 'embedded'],
  ['SIGTERM', 'postgres'],
] as const)('%s to a server on %s', (signal, on) => {
  test('ends it in time: whoever listens is told, whoever asked is answered', {
    timeout: 90_000,
  }, async () => {
    const database = on === 'postgres' ? await cloneDatabase() : undefined
    const env = { VIBED_DATA_DIR: temporaryFolder(), ...(database && { DATABASE_URL: database.url }) }
    const { server, origin } = await startServer({ ...env, RATE_LIMITS: 'off' })
    const { user, workspaceId, channelId } = await settle(origin)
    const clients = await each(SOCKETS, n => openSocket(user, n, channelId))
    const streams = await each(STREAMS, () => openStream(user, `/workspaces/${workspaceId}/stats/live`))
    const idle = await each(10, n => openConnection(origin, n % 2 === 0))
    const underWay = await each(5, n =>
      postUnderWay(user, `/channels/${channelId}/messages`, { content: `late ${n}` }),
    )

    const disconnects = clients.map(disconnectOf)
    const closes = idle.map(closeOf)
    const begun = performance.now()
    server.signal(signal)
    // Whoever hears the close knows that the server has begun to stop.
    await Promise.race(disconnects)
    const answers = await Promise.all(underWay.map(({ finish }) => finish()))
    const { code, stderr } = await server.ended
    const ms = Math.round(performance.now() - begun)

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(ms).toBeLessThanOrEqual(STOP_MS)
    expect(answers.map(({ status, connection }) => [status, connection])).toEqual(
      underWay.map(() => [201, 'close']),
    )
    expect(new Set(await Promise.all(streams.map(({ ended }) => ended)))).toEqual(new Set(['ended']))
    const reasons = await Promise.all(disconnects)
    // Not `io server disconnect`, after which a client would not come back by itself.
    expect(reasons.filter(reason => !/^transport (close|error)$/.test(reason))).toEqual([])
    await Promise.all(closes)
    process.stdout.write(`${signal} on ${on} with ${SOCKETS} sockets and ${STREAMS} streams: ${ms} ms\n`)

    const again = await startServer(env)
    const stored = await new Api(again.origin, user.accessToken).get(`/channels/${channelId}/messages`)
    const contents = stored.body.data.map(({ content }: { content: string }) => content)
    expect(contents.sort()).toEqual(underWay.map((_, n) => `late ${n}`))
    await again.server.kill()
    await database?.drop()
  })
})

describe('a server that is told to stop', () => {
  test('cuts off a request that never ends', async () => {
    const { server, origin } = await startServer({ VIBED_DATA_DIR: temporaryFolder() })
    const { user, channelId } = await settle(origin)
    const { post } = await postUnderWay(user, `/channels/${channelId}/messages`, { content: 'never' })
    const cut = once(post, 'error')
    const begun = performance.now()
    server.signal('SIGTERM')
    expect((await server.ended).code).toBe(0)
    expect(performance.now() - begun).toBeLessThanOrEqual(STOP_MS)
    await cut
  })

  test('twice ends at once', async () => {
    const { server, origin } = await startServer({ VIBED_DATA_DIR: temporaryFolder() })
    const { user, channelId } = await settle(origin)
    const { post } = await postUnderWay(user, `/channels/${channelId}/messages`, { content: 'never' })
    const cut = once(post, 'error')
    const client = await connectChat(origin, user.accessToken)
    const told = disconnectOf(client)
    server.signal('SIGTERM')
    await told
    server.signal('SIGTERM')
    expect((await server.ended).code).toBe(1)
    await cut
  })

  test('while it starts ends at once, and starts again later', async () => {
    const folder = temporaryFolder()
    const server = new ServerProcess({ PORT: '0', VIBED_DATA_DIR: folder })
    await once(watch(folder), 'change')
    server.signal('SIGTERM')
    expect(await server.ended).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })
    await startServer({ VIBED_DATA_DIR: folder })
  })
})
