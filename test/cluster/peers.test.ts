import { describe, expect, test } from 'vitest'
import { toTell } from '../../src/cluster/bus-frame.js'
import { Peers } from '../../src/cluster/peers.js'

const frame = (from: string, n: number) => ({ from, n, told: [] })

describe('the other nodes', () => {
  test('are missed something of where a number is skipped, and nothing where none is', () => {
    const peers = new Peers(4_000)
    expect(peers.hear(frame('b', 7), 0)).toBe(true)
    expect(peers.hear(frame('b', 8), 0)).toBe(true)
    expect(peers.hear(frame('c', 1), 0)).toBe(true)
    expect(peers.hear(frame('b', 10), 0)).toBe(false)
    expect(peers.hear(frame('b', 11), 0)).toBe(true)
  })

  test('are unheard when none of those that live was heard for long enough', () => {
    const peers = new Peers(4_000)
    expect(peers.isDeaf(0)).toBe(false)
    peers.follow(['b', 'c'], 0)
    expect(peers.isDeaf(0)).toBe(true)
    peers.hear(frame('c', 1), 100)
    expect(peers.isDeaf(4_100)).toBe(false)
    expect(peers.isDeaf(4_101)).toBe(true)
  })

  test('do not count any more once they hold no lease and say nothing', () => {
    const peers = new Peers(4_000)
    peers.hear(frame('b', 1), 0)
    peers.follow([], 1_000)
    expect(peers.any).toBe(true)
    peers.follow([], 5_000)
    expect(peers.any).toBe(false)
    peers.follow(['b'], 5_000)
    peers.forget('b')
    expect(peers.any).toBe(false)
  })

  test('tell how long a beat takes, whatever their clocks say', () => {
    const [a, b] = [new Peers(4_000), new Peers(4_000)]
    const skew = 3_600_000
    // Sent at 1,000, heard 30 ms later; its answer leaves 500 ms after that and takes 50 ms.
    b.hear({ ...frame('a', 1), beat: a.beat(1_000) }, 1_030 + skew)
    const answer = { ...frame('b', 1), beat: b.beat(1_530 + skew) }
    expect(a.lagTo('a', answer, 1_580)).toBe(40)
    expect(a.lagTo('c', answer, 1_580)).toBeUndefined()
  })
})

describe('an event for the other nodes', () => {
  const message = {
    messageId: 'm',
    channelId: 'c',
    senderId: 's',
    senderName: 'S',
    content: 'short',
    mentions: [],
    tasks: [],
    parentId: null,
    reactions: [],
    replyCount: 0,
    lastReplyAt: null,
    isEdited: false,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    deletedAt: null,
    position: 9,
    seq: 9,
  }

  test('is told as it is, unless it is too long for the bus: then as a wake-up', () => {
    expect(toTell(['message.created', message])?.told).toEqual(['message.created', message])
    const long = { ...message, content: 'x'.repeat(4_000) }
    expect(toTell(['message.created', long])?.told).toEqual([
      'channel.advanced',
      { channelId: 'c', lastSeq: 9 },
    ])
  })

  test('is not told where each node finds out for itself', () => {
    expect(toTell(['presence.offline', { userId: 'u', workspaceIds: [] }])).toBeUndefined()
  })
})
