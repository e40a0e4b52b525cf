import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Bus } from '../../src/cluster/bus.js'
import { register, type TestUser, workspaceOf } from '../support/api.js'
import { connectChat } from '../support/chat.js'
import { startRedis } from '../support/redis.js'
import { tcpProxy } from '../support/tcp-proxy.js'
import { type Nodes, startNodes, until } from './nodes.js'

const stateOf = (node: Nodes['nodes'][number]) => node.container.resolve(Bus).state

describe.each(['PostgreSQL alone', 'PostgreSQL and Redis'])('two nodes on %s', on => {
  let redis: Awaited<ReturnType<typeof startRedis>> | undefined
  let way: Awaited<ReturnType<typeof tcpProxy>>
  let cluster: Nodes
  let here: string
  let there: string
  let ann: TestUser
  let ben: TestUser
  let workspaceId: string
  let channelId: string

  beforeAll(async () => {
    cluster = await startNodes(0)
    redis = on === 'PostgreSQL and Redis' ? await startRedis() : undefined
    const bus = new URL(redis?.url ?? cluster.databaseUrl)
    way = await tcpProxy(bus.hostname, Number(bus.port))
    bus.port = String(way.port)
    const config = redis ? { redisUrl: bus.href } : { databaseDirectUrl: bus.href }
    here = (await cluster.add(config)).origin
    there = (await cluster.add(config)).origin
    ann = await register(here, 'Ann')
    ben = await register(here, 'Ben')
    workspaceId = (await workspaceOf(ann, ben)).id
    const fields = { name: 'general', type: 'public' }
    channelId = (await ann.api.data('POST', `/workspaces/${workspaceId}/channels`, fields)).id
    await until(() => cluster.nodes.every(node => stateOf(node) === 'up'), 'the bus')
  })
  afterAll(async () => {
    await cluster.stop()
    way.close()
    await redis?.stop()
  })

  async function bothIn() {
    const a = await connectChat(here, ann.accessToken)
    const b = await connectChat(there, ben.accessToken)
    await a.data('channel:join', { channelId })
    await b.data('channel:join', { channelId })
    return { a, b }
  }

  test('deliver what is sent at either, once and in order, to the sockets of both', async () => {
    const { a, b } = await bothIn()
    const sends = Array.from({ length: 60 }, (_, n) =>
      (n % 2 ? a : b).data('message:send', { channelId, content: `message ${n}` }),
    )
    const acks = await Promise.all(sends)
    const expected = acks.map(({ seq }) => seq).sort((x, y) => x - y)
    for (const client of [a, b]) {
      await client.until(() => client.all('message:new').length >= 60 || undefined, '60 messages')
      expect(client.all('message:new').map(({ seq }) => seq)).toEqual(expected)
      client.close()
    }
  })

  test('deliver at the other also what is too long for the bus', async () => {
    const { a, b } = await bothIn()
    const content = '€'.repeat(3_000)
    await a.data('message:send', { channelId, content })
    expect((await b.next('message:new')).content).toBe(content)
    a.close()
    b.close()
  })

  test('show each who types and comes to the channel at the other', async () => {
    const { a, b } = await bothIn()
    expect(await a.next('channel:user_joined')).toMatchObject({ channelId, userId: ben.id })
    await b.data('channel:typing', { channelId })
    expect(await a.next('channel:typing')).toMatchObject({ channelId, userId: ben.id })
    await b.data('channel:leave', { channelId })
    expect(await a.next('channel:stop_typing')).toMatchObject({ userId: ben.id })
    expect(await a.next('channel:user_left')).toMatchObject({ channelId, userId: ben.id })
    a.close()
    b.close()
  })

  test('move the read marks of all devices, wherever they are', async () => {
    const one = await connectChat(here, ann.accessToken)
    const other = await connectChat(there, ann.accessToken)
    const { lastSeq } = await one.data('channel:join', { channelId })
    await one.data('channel:read', { channelId, seq: lastSeq })
    expect(await other.next('channel:unread')).toMatchObject({ channelId, unread: 0 })
    one.close()
    other.close()
  })

  test('go on while the bus is away, say so, and miss nothing', async () => {
    const { a, b } = await bothIn()
    way.shut()
    await until(() => cluster.nodes.every(node => stateOf(node) === 'down'), 'the bus goes down')
    const readiness = await fetch(`${here}/health/ready`)
    expect(readiness.status).toBe(200)
    expect(await readiness.json()).toMatchObject({ status: 'ready', dependencies: { bus: 'down' } })
    const { seq } = await a.data('message:send', { channelId, content: 'without a bus' })
    for (const client of [a, b]) await client.next('message:new', message => message.seq === seq)
    way.open()
    await until(() => cluster.nodes.every(node => stateOf(node) === 'up'), 'the bus is back', 20_000)
    await a.data('channel:typing', { channelId })
    await b.next('channel:typing', ({ userId }) => userId === ann.id)
    expect(b.all('message:new').filter(message => message.seq === seq)).toHaveLength(1)
    a.close()
    b.close()
  })
})

describe('a node', () => {
  test('does not start beside one that signs tokens with another secret', async () => {
    const cluster = await startNodes(1)
    const other = { jwtSecret: 'another secret, which is long enough' }
    await expect(cluster.add(other)).rejects.toThrow(/give all nodes the same JWT_SECRET/)
    await cluster.stop()
  })
})
