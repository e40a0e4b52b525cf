import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { Outbox } from '../../src/realtime/outbox.js'

/** A stream whose reader takes so many frames and no more, and its time. */
function reader() {
  const written: string[] = []
  return {
    written,
    takes: Number.POSITIVE_INFINITY,
    now: 0,
    looks: 0,
    closed: false,
    get isBehind() {
      this.looks += 1
      return written.length > this.takes
    },
    write(frame: Buffer) {
      written.push(frame.toString('utf8', 0, 8).trimEnd())
    },
    cutOff() {
      this.closed = true
    },
    /** Resolves when it was looked at again after what has just changed. */
    async looked() {
      const { looks } = this
      await vi.waitFor(() => expect(this.closed || this.looks > looks + 1).toBe(true), { interval: 1 })
    },
  }
}

/** A reader with his outbox. */
function open() {
  const stream = reader()
  return { stream, outbox: new Outbox(stream, () => stream.now) }
}

/** As much as is written at a time; 32 KB/s need 2,048 ms for it. */
const PORTION = 65_536
const BEHIND_FROM_THE_START = -1

const frame = (n: number, bytes = 40_000) => Buffer.from(String(n).padEnd(bytes))
const frames = (count: number, bytes?: number) => Array.from({ length: count }, (_, n) => frame(n, bytes))
const numbers = (count: number) => Array.from({ length: count }, (_, n) => String(n))

describe('an outbox', () => {
  it('sends at once where nothing waits', () => {
    const { stream, outbox } = open()
    outbox.push(frame(0))
    expect(stream.written).toEqual(['0'])
  })

  it('sends the rest turn by turn, all of it in order', async () => {
    const { stream, outbox } = open()
    outbox.push(...frames(20))
    expect(stream.written).toEqual(['0', '1'])
    outbox.push(frame(20))
    await nextTurn()
    await nextTurn()
    expect(stream.written.length).toBeLessThanOrEqual(6)
    await vi.waitFor(() => expect(stream.written).toEqual(numbers(21)))
  })

  it('waits while its reader is behind', async () => {
    const { stream, outbox } = open()
    stream.takes = 0
    outbox.push(frame(0))
    await nextTurn()
    outbox.push(frame(1))
    await stream.looked()
    expect(stream.written).toEqual(['0'])
    stream.takes = 2
    await vi.waitFor(() => expect(stream.written).toEqual(['0', '1']))
  })

  it('cuts off a reader for whom too much waits besides what he missed, of which there may be more', async () => {
    const { stream, outbox } = open()
    stream.takes = BEHIND_FROM_THE_START
    outbox.begin(frames(40))
    outbox.push(...frames(27))
    expect(stream.closed).toBe(false)
    outbox.push(frame(67))
    expect(stream.closed).toBe(true)
    await nextTurn()
    expect(stream.written).toEqual([])
  })
})

describe('a reader', () => {
  it('is cut off five seconds after 32 KB/s would have brought him what he was sent', async () => {
    const { stream, outbox } = open()
    stream.takes = 0
    outbox.push(frame(0, PORTION))
    stream.now = 7_048
    await stream.looked()
    expect(stream.closed).toBe(false)
    stream.now = 7_049
    await stream.looked()
    expect(stream.closed).toBe(true)
  })

  it('gains no time by what else there is to send', async () => {
    const { stream, outbox } = open()
    stream.takes = 0
    outbox.push(frame(0))
    for (let second = 1; second <= 6; second++) {
      stream.now += 1_000
      outbox.push(frame(second))
      await stream.looked()
    }
    expect(stream.closed).toBe(false)
    stream.now += 1_000
    outbox.push(frame(7))
    await stream.looked()
    expect(stream.closed).toBe(true)
  })

  it('who takes 32 KB/s stays, however much he missed, until he stops', async () => {
    const { stream, outbox } = open()
    stream.takes = 0
    outbox.begin(frames(40, PORTION))
    for (let taken = 1; taken < 30; taken++) {
      stream.now += 2_048
      await stream.looked()
      stream.takes = taken
      await vi.waitFor(() => expect(stream.written).toHaveLength(taken + 1), { interval: 1 })
    }
    expect(stream.closed).toBe(false)
    stream.now += 7_049
    await stream.looked()
    expect(stream.closed).toBe(true)
  })

  it('earns no credit by having been quick', async () => {
    const { stream, outbox } = open()
    stream.takes = 30
    outbox.begin(frames(40, PORTION))
    await vi.waitFor(() => expect(stream.written).toHaveLength(31), { interval: 1 })
    stream.now = 7_048
    await stream.looked()
    expect(stream.closed).toBe(false)
    stream.now = 7_049
    await stream.looked()
    expect(stream.closed).toBe(true)
  })

  it('has his time for what comes after a pause from when it comes', async () => {
    const { stream, outbox } = open()
    stream.takes = 1
    outbox.push(frame(0, PORTION))
    await nextTurn()
    stream.now = 60_000
    outbox.push(frame(1, PORTION))
    await vi.waitFor(() => expect(stream.written).toHaveLength(2), { interval: 1 })
    stream.now += 7_048
    await stream.looked()
    expect(stream.closed).toBe(false)
  })
})
