import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Bus } from '../../src/cluster/bus.js'
import { Membership } from '../../src/cluster/membership.js'
import { ThisNode } from '../../src/cluster/this-node.js'
import { PresenceService } from '../../src/modules/presence/presence.service.js'
import { Api, register, type TestUser, workspaceOf } from '../support/api.js'
import type { TestApp } from '../support/app.js'
import { type ChatClient, connectChat } from '../support/chat.js'
import { type Nodes, startNodes, until } from './nodes.js'

let cluster: Nodes
let one: TestApp
let two: TestApp
let db: pg.Client
let ann: TestUser
let ben: TestUser
let workspaceId: string
let observer: ChatClient

beforeAll(async () => {
  cluster = await startNodes(2)
  const [first, second] = cluster.nodes
  if (!first || !second) throw new Error('two nodes were asked for')
  one = first
  two = second
  db = new pg.Client(cluster.databaseUrl)
  await db.connect()
  ann = await register(one.origin, 'Ann')
  ben = await register(one.origin, 'Ben')
  workspaceId = (await workspaceOf(ann, ben)).id
  await until(() => cluster.nodes.every(node => node.container.resolve(Bus).state === 'up'), 'the bus')
  observer = await connectChat(two.origin, ann.accessToken)
})
afterAll(async () => {
  observer.close()
  await db.end()
  await cluster.stop()
})

const membership = (node: TestApp) => node.container.resolve(Membership)
const beatAll = () => Promise.all([one, two].map(node => membership(node).beat()))
const tellingOf = (userId: string) =>
  observer.heard
    .filter(({ event, data }) => event.startsWith('presence:') && data.userId === userId)
    .map(({ event }) => event)

async function onlineAt(node: TestApp): Promise<string[]> {
  const online = await new Api(node.origin, ann.accessToken).data(
    'GET',
    `/workspaces/${workspaceId}/presence`,
  )
  return online.map(({ userId }: { userId: string }) => userId)
}

/** A node that only the database knows, as one that was killed: its lease runs for so long. */
async function deadNode(userIds: readonly string[], leaseMs: number) {
  const id = randomUUID()
  const { secretFingerprint } = one.container.resolve(ThisNode)
  await db.query(
    `insert into nodes (id, name, secret_fingerprint, lease_until, presence_version)
     values ($1, 'dead', $2, now() + $3 * interval '1 ms', 1)`,
    [id, secretFingerprint, leaseMs],
  )
  for (const userId of userIds) {
    await db.query('insert into node_presence (node_id, user_id, user_name) values ($1, $2, $3)', [
      id,
      userId,
      'Somebody',
    ])
  }
  return id
}

/** As if so many milliseconds had passed since the leases were prolonged. */
const age = (milliseconds: number) =>
  db.query(`update nodes set lease_until = lease_until - $1 * interval '1 ms'`, [milliseconds])

describe('presence on two nodes', () => {
  test('who connects to one is online at the other, in events, over REST and in the statistics', async () => {
    const chat = await connectChat(one.origin, ben.accessToken)
    await observer.next('presence:online', ({ userId }) => userId === ben.id)
    expect(await onlineAt(two)).toContain(ben.id)
    expect(await onlineAt(one)).toContain(ann.id)
    const stats = await new Api(two.origin, ann.accessToken).data('GET', `/workspaces/${workspaceId}/stats`)
    expect(stats.onlineUsersCount).toBe(2)
    chat.close()
  })

  test('a hundred reloads, over both nodes, show nothing', async () => {
    const before = tellingOf(ben.id).length
    for (let n = 0; n < 100; n++) {
      const chat = await connectChat(n % 2 ? one.origin : two.origin, ben.accessToken)
      chat.close()
    }
    const last = await connectChat(two.origin, ben.accessToken)
    await beatAll()
    expect(tellingOf(ben.id).slice(before)).toEqual([])
    expect(await onlineAt(one)).toContain(ben.id)
    last.close()
  })

  test('ten quiet minutes lose nobody', async () => {
    const chat = await connectChat(one.origin, ben.accessToken)
    const before = tellingOf(ben.id).length
    const start = Date.now()
    for (let passed = 0; passed < 600_000; passed += 5_000) {
      await age(5_000)
      await beatAll()
      if (passed % 60_000 !== 0) continue
      for (const node of [one, two]) {
        const presence = node.container.resolve(PresenceService)
        presence.sweep(start + passed)
        await presence.reconcileWorkspaces()
      }
    }
    expect(tellingOf(ben.id).slice(before)).toEqual([])
    for (const node of [one, two])
      expect(await onlineAt(node)).toEqual(expect.arrayContaining([ann.id, ben.id]))
    chat.close()
  })

  test('a node that was paused past its lease is back with all its users', async () => {
    const chat = await connectChat(one.origin, ben.accessToken)
    await until(async () => (await onlineAt(two)).includes(ben.id), 'online at the other')
    await db.query('delete from nodes where id = $1', [one.container.resolve(ThisNode).id])
    await membership(two).beat()
    await membership(one).beat()
    await until(async () => {
      await membership(two).beat()
      return (await onlineAt(two)).includes(ben.id)
    }, 'online again')
    chat.close()
  })

  test('the users of a node that dies are offline once its lease is over, and it is forgotten', async () => {
    const eve = await register(one.origin, 'Eve')
    const { token } = await ann.api.data('POST', `/workspaces/${workspaceId}/invite`, {
      email: eve.email,
      role: 'member',
    })
    await eve.api.data('POST', '/invitations/accept', { token })
    const id = await deadNode([eve.id], 4_000)
    await beatAll()
    await observer.next('presence:online', ({ userId }) => userId === eve.id)
    await until(async () => {
      await beatAll()
      return !(await onlineAt(two)).includes(eve.id)
    }, 'offline')
    await observer.next('presence:offline', ({ userId }) => userId === eve.id)
    expect(await onlineAt(one)).not.toContain(eve.id)
    expect((await db.query('select 1 from node_presence where node_id = $1', [id])).rows).toEqual([])
  })
})
