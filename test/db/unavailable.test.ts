import { afterAll, beforeAll, expect, test } from 'vitest'
import { register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { connectChat } from '../support/chat.js'
import { cloneDatabase } from '../support/database.js'
import { tcpProxy } from '../support/tcp-proxy.js'

let app: TestApp
let ann: TestUser
let channelId: string
let way: Awaited<ReturnType<typeof tcpProxy>>
const cloned = await cloneDatabase()

beforeAll(async () => {
  const url = new URL(cloned.url)
  way = await tcpProxy(url.hostname, Number(url.port))
  url.port = String(way.port)
  app = await startApp({ config: { databaseUrl: url.href } })
  ann = await register(app.origin, 'Ann')
  const { id } = await workspaceOf(ann)
  channelId = (await ann.api.data('POST', `/workspaces/${id}/channels`, { name: 'x', type: 'public' })).id
})
afterAll(async () => {
  await app.stop()
  way.close()
  await cloned.drop()
})

test('while the database is away every request and event says so with a code, and all is well once it is back', async () => {
  const chat = await connectChat(app.origin, ann.accessToken)
  await chat.data('channel:join', { channelId })
  way.shut()
  const read = await ann.api.get(`/channels/${channelId}/messages`)
  expect([read.status, read.body.code]).toEqual([503, 'DATABASE_UNAVAILABLE'])
  expect(read.headers.get('retry-after')).toBe('1')
  const sent = await chat.ask('message:send', { channelId, content: 'lost?' })
  expect(sent).toMatchObject({ ok: false, error: { code: 'DATABASE_UNAVAILABLE', retryAfterMs: 1_000 } })
  expect((await fetch(`${app.origin}/health/ready`)).status).toBe(503)

  way.open()
  expect((await ann.api.get(`/channels/${channelId}/messages`)).body.data).toEqual([])
  const again = await chat.data('message:send', { channelId, content: 'found' })
  expect(await chat.next('message:new')).toEqual(again)
  chat.close()
})

test('connections that are cut in the middle of writes double nothing that is sent again', async () => {
  const chat = await connectChat(app.origin, ann.accessToken)
  const ids = Array.from({ length: 300 }, () => crypto.randomUUID())
  const sendAll = () =>
    Promise.all(ids.map(id => chat.ask('message:send', { channelId, content: 'once', id })))
  const first = sendAll()
  way.cut()
  const codes = new Set((await first).map(answer => (answer.ok ? 'ok' : answer.error.code)))
  expect([...codes].filter(code => code !== 'ok' && code !== 'DATABASE_UNAVAILABLE')).toEqual([])
  expect((await sendAll()).every(answer => answer.ok)).toBe(true)
  const { changes } = await chat.data('channel:sync', { channelId, since: 1 })
  expect(changes.map(({ messageId }: { messageId: string }) => messageId).sort()).toEqual([...ids].sort())
  expect(changes.map(({ seq }: { seq: number }) => seq)).toEqual(ids.map((_, n) => n + 2))
  chat.close()
})
