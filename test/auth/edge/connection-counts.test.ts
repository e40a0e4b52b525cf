import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Database } from '../../../src/db/database.js'
import { ConnectionCounts } from '../../../src/http/limits/connection-counts.js'
import { cloneDatabase } from '../../support/database.js'
import { bareNode, connect } from './node.js'

let cloned: Awaited<ReturnType<typeof cloneDatabase>>
let database: Database
beforeAll(async () => {
  cloned = await cloneDatabase()
  database = await Database.open({ url: cloned.url })
})
afterAll(async () => {
  await database.close()
  await cloned.drop()
})

const BEGIN = Date.parse('2026-03-02T09:00:00.000Z')
const limits = { maxConnectionsPerUser: 20, maxConnectionsPerAddress: 40 }
const limited = expect.objectContaining({ code: 'RATE_LIMITED', retryAfterMs: 5_000 })

function nodes(count: number, config = {}) {
  const made = Array.from({ length: count }, () => bareNode(database, { ...limits, ...config }))
  connect(...made)
  return made.map(({ container, told }) => ({ counts: container.resolve(ConnectionCounts), told }))
}
type Node = ReturnType<typeof nodes>[number]

function oneNode(config = {}) {
  const [node] = nodes(1, config)
  return node as Node
}

/** How many connections of so many were let in. */
function letIn(node: Node, wanted: number, holder: object, now = BEGIN) {
  const releases: (() => void)[] = []
  for (let n = 0; n < wanted; n++) {
    try {
      releases.push(node.counts.take(holder, now))
    } catch (error) {
      expect(error).toEqual(limited)
    }
  }
  return releases
}

describe('on one node', () => {
  test('a user has so many connections, and another when one has ended, which may be told twice', () => {
    const node = oneNode()
    const [first, second] = letIn(node, 25, { userId: 'ann' })
    expect(() => node.counts.take({ userId: 'ann' })).toThrow(limited)
    expect(letIn(node, 25, { userId: 'bob' })).toHaveLength(20)
    first?.()
    first?.()
    expect(letIn(node, 25, { userId: 'ann' })).toHaveLength(1)
    second?.()
    expect(letIn(node, 25, { userId: 'ann' })).toHaveLength(1)
  })

  test('so has an address, whoever its users are, and one IPv6 network is one address', () => {
    const node = oneNode()
    const connections = Array.from({ length: 50 }, (_, n) =>
      letIn(node, 1, { userId: `user ${n}`, address: `2001:db8::${n}` }),
    )
    expect(connections.flat()).toHaveLength(40)
    expect(letIn(node, 50, { address: '192.0.2.1' })).toHaveLength(40)
    expect(letIn(node, 1, { userId: 'user 0' })).toHaveLength(1)
  })

  test('who is refused is not counted', () => {
    const node = oneNode()
    letIn(node, 40, { address: '192.0.2.1' })
    expect(letIn(node, 50, { userId: 'ann', address: '192.0.2.1' })).toHaveLength(0)
    expect(letIn(node, 50, { userId: 'ann' })).toHaveLength(20)
  })

  test('everybody is let in where limits are off', () => {
    const node = oneNode({ rateLimits: false })
    expect(letIn(node, 100, { userId: 'ann', address: '192.0.2.1' })).toHaveLength(100)
  })
})

describe('on several nodes', () => {
  test('the connections of all of them count', () => {
    const [one, other, third] = nodes(3) as [Node, Node, Node]
    const releases = letIn(one, 12, { userId: 'ann' })
    one.counts.tell(BEGIN)
    expect(letIn(other, 20, { userId: 'ann' })).toHaveLength(8)
    other.counts.tell(BEGIN)
    expect(letIn(third, 20, { userId: 'ann' })).toHaveLength(0)
    for (const release of releases.slice(0, 5)) release()
    one.counts.tell(BEGIN + 1_000)
    expect(letIn(third, 20, { userId: 'ann' }, BEGIN + 1_000)).toHaveLength(5)
  })

  test('they tell of those who have a tenth of what they may, when that changes and every ten seconds', () => {
    const [one] = nodes(2) as [Node, Node]
    letIn(one, 1, { userId: 'ann' })
    one.counts.tell(BEGIN)
    expect(one.told).toEqual([])
    const releases = letIn(one, 3, { userId: 'bob', address: '192.0.2.1' })
    for (const after of [0, 1_000, 2_000, 9_999, 10_000, 19_000]) one.counts.tell(BEGIN + after)
    const counted = (...counts: [string, number][]) => [
      'connections.counted',
      { nodeId: expect.any(String), counts },
    ]
    expect(one.told).toEqual([counted(['user bob', 3]), counted(['user bob', 3])])
    for (const release of releases) release()
    for (const after of [19_500, 30_000, 50_000]) one.counts.tell(BEGIN + after)
    expect(one.told.slice(2)).toEqual([counted()])
  })

  test('what a node told is forgotten with it: when it leaves, or has said nothing for half a minute', () => {
    const made = [bareNode(database, limits), bareNode(database, limits)] as const
    connect(...made)
    const [one, other] = made.map(({ container, told }) => ({
      counts: container.resolve(ConnectionCounts),
      told,
    })) as [Node, Node]
    letIn(one, 20, { userId: 'ann' })
    one.counts.tell(Date.now())
    const heard = Date.now()
    expect(letIn(other, 1, { userId: 'ann' }, heard + 29_000)).toHaveLength(0)
    const event = one.told[0]?.[1] as { nodeId: string; counts: [string, number][] }
    expect(letIn(other, 1, { userId: 'ann' }, heard + 30_000)).toHaveLength(1)
    other.counts.hear(event, heard)
    expect(letIn(other, 1, { userId: 'ann' }, heard)).toHaveLength(0)
    made[1].events.deliver('node.left', { nodeId: event.nodeId })
    expect(letIn(other, 1, { userId: 'ann' }, heard)).toHaveLength(1)
  })

  test('they tell by themselves, and rest when nobody is connected', async () => {
    vi.useFakeTimers()
    const [one] = nodes(2) as [Node, Node]
    const releases = letIn(one, 10, { userId: 'ann' }, Date.now())
    await vi.advanceTimersByTimeAsync(1_000)
    expect(one.told).toHaveLength(1)
    for (const release of releases) release()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(one.told).toHaveLength(2)
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })
})
