import { EventSource } from 'eventsource'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Bus } from '../../src/cluster/bus.js'
import { Api, register, type TestUser, workspaceOf } from '../support/api.js'
import { type ChatClient, connectChat } from '../support/chat.js'
import { tcpProxy } from '../support/tcp-proxy.js'
import { type Nodes, startNodes, until } from './nodes.js'

let cluster: Nodes
let way: Awaited<ReturnType<typeof tcpProxy>>
let db: pg.Client
let here: string
let there: string

beforeAll(async () => {
  cluster = await startNodes(0)
  const bus = new URL(cluster.databaseUrl)
  way = await tcpProxy(bus.hostname, Number(bus.port))
  bus.port = String(way.port)
  here = (await cluster.add({ databaseDirectUrl: bus.href })).origin
  there = (await cluster.add({ databaseDirectUrl: bus.href })).origin
  db = new pg.Client(cluster.databaseUrl)
  await db.connect()
  await until(() => cluster.nodes.every(({ container }) => container.resolve(Bus).state === 'up'), 'the bus')
})
afterAll(async () => {
  await db.end()
  await cluster.stop()
  way.close()
})

/** Somebody who listens at the other node, and what an owner at this one can do about it. */
interface Scene {
  owner: TestUser
  victim: TestUser
  workspaceId: string
  channelId: string
  chat: ChatClient
  /** Resolves when the statistics' stream was closed by the server. */
  streamEnded: Promise<void>
}

interface Loss {
  act(scene: Scene): Promise<unknown>
  /** Whether it takes the whole session, or else the whole workspace. */
  takes: 'session' | 'workspace' | 'channel'
}

const losses: Record<string, Loss> = {
  logout: {
    act: ({ victim }) => new Api(here).data('POST', '/auth/logout', { refreshToken: victim.refreshToken }),
    takes: 'session',
  },
  'logout-all': {
    act: ({ victim }) => new Api(here, victim.accessToken).data('POST', '/auth/logout-all'),
    takes: 'session',
  },
  'a session revoked': {
    act: async ({ victim }) => {
      const api = new Api(here, victim.accessToken)
      const [session] = await api.data('GET', '/auth/sessions')
      await api.data('DELETE', `/auth/sessions/${session.id}`)
    },
    takes: 'session',
  },
  'a refresh token used twice': {
    act: async ({ victim }) => {
      const again = () => new Api(here).post('/auth/refresh', { refreshToken: victim.refreshToken })
      await again()
      expect((await again()).body.code).toBe('REFRESH_TOKEN_REUSED')
    },
    takes: 'session',
  },
  'a user disabled by hand': {
    act: ({ victim }) => db.query('update users set disabled_at = now() where id = $1', [victim.id]),
    takes: 'session',
  },
  'a member removed': {
    act: ({ owner, workspaceId, victim }) =>
      owner.api.data('DELETE', `/workspaces/${workspaceId}/members/${victim.id}`),
    takes: 'workspace',
  },
  'a workspace deleted': {
    act: ({ owner, workspaceId }) => owner.api.data('DELETE', `/workspaces/${workspaceId}`),
    takes: 'workspace',
  },
  'a member made guest': {
    act: ({ owner, workspaceId, victim }) =>
      owner.api.data('PATCH', `/workspaces/${workspaceId}/members/${victim.id}`, { role: 'guest' }),
    takes: 'channel',
  },
  'a channel made private': {
    act: ({ owner, channelId }) => owner.api.data('PATCH', `/channels/${channelId}`, { type: 'private' }),
    takes: 'channel',
  },
  'a channel deleted': {
    act: ({ owner, channelId }) => owner.api.data('DELETE', `/channels/${channelId}`),
    takes: 'channel',
  },
  'a channel member removed': {
    act: async ({ owner, channelId, victim }) => {
      await owner.api.data('POST', `/channels/${channelId}/members`, { userId: victim.id })
      await owner.api.data('PATCH', `/channels/${channelId}`, { type: 'private' })
      await owner.api.data('DELETE', `/channels/${channelId}/members/${victim.id}`)
    },
    takes: 'channel',
  },
}

async function settle(): Promise<Scene> {
  const owner = await register(here, 'Owner')
  const victim = await register(there, 'Victim')
  const { id: workspaceId } = await workspaceOf(owner, victim)
  const fields = { name: 'general', type: 'public' }
  const channelId = (await owner.api.data('POST', `/workspaces/${workspaceId}/channels`, fields)).id
  const chat = await connectChat(there, victim.accessToken)
  await chat.data('channel:join', { channelId })
  const path = `/api/v1/workspaces/${workspaceId}/stats/live`
  const { ticket } = await victim.api.data('POST', '/auth/stream-tickets', { path })
  const stream = new EventSource(`${there}${path}?ticket=${ticket}`)
  await new Promise(resolve => stream.addEventListener('stats:update', resolve, { once: true }))
  const streamEnded = new Promise<void>(resolve => {
    stream.onerror = () => {
      stream.close()
      resolve()
    }
  })
  return { owner, victim, workspaceId, channelId, chat, streamEnded }
}

/** Whether the socket may hear of the channel no more, as it was told itself. */
function isOut({ chat, channelId }: Scene, { takes }: Loss): boolean {
  if (takes === 'session') return chat.all('error').some(({ code }) => code === 'SESSION_REVOKED')
  return chat.all('channel:removed').some(removal => removal.channelId === channelId)
}

async function lose(loss: Loss, withinMs: number) {
  const scene = await settle()
  const { owner, victim, channelId, chat } = scene
  await loss.act(scene)
  await until(() => isOut(scene, loss), 'out of the channel', withinMs)
  if (loss.takes !== 'channel') await scene.streamEnded
  const before = chat.all('message:new').length
  await owner.api.post(`/channels/${channelId}/messages`, { content: 'not for everybody' })
  const attempts = [
    new Api(there, victim.accessToken).post(`/channels/${channelId}/messages`, { content: 'still here' }),
    new Api(there, victim.accessToken).get(`/channels/${channelId}/messages`),
  ]
  for (const { status } of await Promise.all(attempts)) expect([401, 404]).toContain(status)
  if (loss.takes !== 'session') {
    const answer = await chat.ask('channel:join', { channelId, since: 0 })
    expect(answer.error.code).toBe('CHANNEL_NOT_FOUND')
  }
  expect(chat.all('message:new')).toHaveLength(before)
  chat.close()
}

describe('who loses access at one node is out at the other', () => {
  test.each(Object.entries(losses))('within two seconds: %s', (_name, loss) => lose(loss, 2_000))

  test('within ten seconds while the bus is away, in each way', { timeout: 60_000 }, async () => {
    way.shut()
    await until(() => cluster.nodes.every(({ container }) => container.resolve(Bus).state === 'down'), 'down')
    await Promise.all(Object.values(losses).map(loss => lose(loss, 10_000)))
    way.open()
  })
})
