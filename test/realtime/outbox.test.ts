import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { Outbox } from '../../src/realtime/outbox.js'

/** A stream whose reader takes nothing while he is behind. */
function reader() {
  const written: string[] = []
  return {
    written,
    closed: false,
    isBehind: false,
    write(frame: Buffer) {
      written.push(frame.toString('utf8', 0, 8).trimEnd())
    },
    close() {
      this.closed = true
    },
  }
}

const frame = (n: number, bytes = 40_000) => Buffer.from(String(n).padEnd(bytes))
const numbers = (count: number) => Array.from({ length: count }, (_, n) => String(n))

describe('an outbox', () => {
  it('sends at once where nothing waits', () => {
    const stream = reader()
    new Outbox(stream).push(frame(0))
    expect(stream.written).toEqual(['0'])
  })

  it('sends the rest turn by turn, all of it in order', async () => {
    const stream = reader()
    const outbox = new Outbox(stream)
    outbox.push(
      ...numbers(20)
        .map(Number)
        .map(n => frame(n)),
    )
    expect(stream.written).toEqual(['0', '1'])
    outbox.push(frame(20))
    await nextTurn()
    await nextTurn()
    expect(stream.written.length).toBeLessThanOrEqual(6)
    await vi.waitFor(() => expect(stream.written).toEqual(numbers(21)))
  })

  it('waits while its reader is behind', async () => {
    const stream = reader()
    const outbox = new Outbox(stream)
    outbox.push(frame(0))
    stream.isBehind = true
    await nextTurn()
    outbox.push(frame(1))
    for (let turn = 0; turn < 5; turn++) await nextTurn()
    expect(stream.written).toEqual(['0'])
    stream.isBehind = false
    await vi.waitFor(() => expect(stream.written).toEqual(['0', '1']))
  })

  it('lets go of a reader for whom too much waits, though he may miss as much at first', async () => {
    const stream = reader()
    const outbox = new Outbox(stream)
    stream.isBehind = true
    outbox.push(
      ...numbers(40)
        .map(Number)
        .map(n => frame(n)),
    )
    expect(stream.closed).toBe(false)
    outbox.push(frame(40))
    expect(stream.closed).toBe(true)
    await nextTurn()
    expect(stream.written).toEqual([])
  })
})
