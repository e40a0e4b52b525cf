import { Logger } from '@forinda/kickjs-core'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Listener, Topic } from '../../src/modules/stats/stats.topic.js'

Logger.configure({ level: 'silent' })

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-01-31T09:00:00.000Z') })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A stream that remembers what it was sent, and when. */
class Reader implements Listener {
  closed = false
  isBehind = false
  readonly frames: Buffer[] = []
  readonly times: number[] = []
  private readonly callbacks: Parameters<Listener['onClose']>[0][] = []

  write(frame: Buffer) {
    this.frames.push(frame)
    this.times.push(Date.now())
  }
  onClose(fn: Parameters<Listener['onClose']>[0]) {
    this.callbacks.push(fn)
  }
  close() {
    this.closed = true
    for (const fn of this.callbacks) fn('server')
  }
  get events() {
    return this.frames.map(frame => {
      const [, event, data] = /^event: (.*)\ndata: (.*)\n\n$/.exec(String(frame)) ?? []
      return { event, ...JSON.parse(data ?? '{}') }
    })
  }
}

/** A topic over numbers that the test sets; counting takes `slowness` milliseconds. */
function numbers({ slowness = 0 } = {}) {
  const state = { tasks: 1, online: 1, counted: 0, fails: false, abandoned: 0 }
  const topic = new Topic<{ tasks: number }>(
    {
      count: async () => {
        state.counted++
        const { tasks, fails } = state
        await new Promise(resolve => setTimeout(resolve, slowness))
        if (fails) throw new Error('the database is away')
        return { tasks }
      },
      complete: counts => ({ ...counts, online: state.online }),
    },
    () => state.abandoned++,
  )
  const join = (event = 'stats:update') => {
    const reader = new Reader()
    topic.join(reader, event)
    return reader
  }
  return { state, topic, join }
}

const soon = () => vi.advanceTimersByTimeAsync(5)

describe('joining', () => {
  test('brings the numbers at once, counted once for all who come meanwhile', async () => {
    const { state, join } = numbers({ slowness: 50 })
    const readers = Array.from({ length: 100 }, () => join())
    await vi.advanceTimersByTimeAsync(60)
    for (const { events } of readers) {
      expect(events).toEqual([
        { event: 'stats:update', tasks: 1, online: 1, timestamp: '2026-01-31T09:00:00.050Z' },
      ])
    }
    expect(state.counted).toBe(1)
  })

  test('later brings what is known, without counting and before anything else happens', async () => {
    const { state, join } = numbers()
    join()
    await soon()
    const late = join()
    expect(late.events).toMatchObject([{ tasks: 1 }])
    expect(state.counted).toBe(1)
  })

  test('while a change is still to be counted waits for that', async () => {
    const { state, topic, join } = numbers()
    join()
    await soon()
    state.tasks = 2
    topic.recount()
    const late = join()
    expect(late.events).toEqual([])
    await vi.advanceTimersByTimeAsync(300)
    expect(late.events).toMatchObject([{ tasks: 2 }])
  })

  test('while a change is counted that changes nothing does not wait any longer for it', async () => {
    const { topic, join } = numbers()
    join()
    await soon()
    topic.recount()
    const late = join()
    await vi.advanceTimersByTimeAsync(300)
    expect(late.events).toMatchObject([{ tasks: 1 }])
  })

  test('gives every reader of an event name the very same bytes', async () => {
    const { join } = numbers()
    const [one, two, other] = [join('stats:update'), join('stats:update'), join('workspace:stats')]
    await soon()
    expect(one.frames[0]).toBe(two.frames[0])
    expect(other.events).toMatchObject([{ event: 'workspace:stats', tasks: 1 }])
  })

  test('spares a stream what it has not read the last ones for, and tells it the next', async () => {
    const { state, topic } = numbers()
    const reader = new Reader()
    topic.join(reader, 'stats:update')
    await soon()
    reader.isBehind = true
    state.tasks = 2
    topic.recount()
    await vi.advanceTimersByTimeAsync(1_000)
    reader.isBehind = false
    state.tasks = 3
    topic.recount()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(reader.events.map(({ tasks }) => tasks)).toEqual([1, 3])
  })

  test('with a stream that is closed already leaves nothing behind', () => {
    const { state, topic } = numbers()
    const reader = new Reader()
    reader.closed = true
    reader.onClose = fn => fn('server')
    topic.join(reader, 'stats:update')
    expect([state.abandoned, vi.getTimerCount()]).toEqual([1, 0])
  })
})

describe('a change', () => {
  test('after a quiet while is sent at once', async () => {
    const { state, topic, join } = numbers()
    const reader = join()
    await vi.advanceTimersByTimeAsync(2_000)
    state.tasks = 2
    topic.recount()
    await soon()
    expect(reader.events).toMatchObject([{ tasks: 1 }, { tasks: 2 }])
  })

  test('that leaves the numbers as they are is not sent', async () => {
    const { topic, join } = numbers()
    const reader = join()
    await vi.advanceTimersByTimeAsync(2_000)
    topic.recount()
    topic.refresh()
    await vi.advanceTimersByTimeAsync(2_000)
    expect(reader.events).toHaveLength(1)
  })

  test('of what memory knows is sent without counting', async () => {
    const { state, topic, join } = numbers()
    const reader = join()
    await vi.advanceTimersByTimeAsync(1_000)
    state.online = 2
    topic.refresh()
    await soon()
    expect(reader.events).toMatchObject([{ online: 1 }, { online: 2 }])
    expect(state.counted).toBe(1)
  })

  test('while an older state is being counted is counted after it', async () => {
    const { state, topic, join } = numbers({ slowness: 100 })
    const reader = join()
    await vi.advanceTimersByTimeAsync(50)
    state.tasks = 2
    topic.recount()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(reader.events).toMatchObject([{ tasks: 1 }, { tasks: 2 }])
  })

  test.each([0, 20, 200])(
    'a thousand times a second is sent four times a second at most (counting: %i ms)',
    async slowness => {
      const { state, topic, join } = numbers({ slowness })
      const reader = join()
      for (let n = 0; n < 5_000; n++) {
        if (n % 3) topic.recount()
        else topic.refresh()
        state.tasks++
        state.online += n % 2
        await vi.advanceTimersByTimeAsync(1)
      }
      const busiest = reader.times.map(
        from => reader.times.filter(time => time >= from && time < from + 1_000).length,
      )
      expect(Math.max(...busiest)).toBeLessThanOrEqual(4)
      expect(reader.events.length).toBeGreaterThan(8)
      const settled = { tasks: state.tasks, online: state.online }
      await vi.advanceTimersByTimeAsync(1_000)
      expect(reader.events.at(-1)).toMatchObject(settled)
    },
  )
})

describe('without any change', () => {
  test('the numbers come every ten seconds with their new time, from one count each', async () => {
    const { state, join } = numbers({ slowness: 100 })
    const reader = join()
    await vi.advanceTimersByTimeAsync(60_000)
    const gaps = reader.times.slice(1).map((time, n) => time - (reader.times[n] ?? 0))
    expect(gaps.length).toBeGreaterThanOrEqual(6)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(10_000)
    expect(new Set(reader.events.map(({ timestamp }) => timestamp)).size).toBe(reader.events.length)
    expect(state.counted).toBe(reader.events.length)
  })

  test('a hundred readers cost as many counts as one', async () => {
    const [alone, crowd] = [numbers(), numbers()]
    alone.join()
    for (let n = 0; n < 100; n++) crowd.join()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(crowd.state.counted).toBe(alone.state.counted)
  })

  test('what other nodes changed comes with the next count, however often memory changes', async () => {
    const { state, topic, join } = numbers()
    const reader = join()
    await soon()
    state.tasks = 2
    for (let n = 0; n < 20; n++) {
      await vi.advanceTimersByTimeAsync(500)
      state.online++
      topic.refresh()
    }
    expect(reader.events.at(-1)).toMatchObject({ tasks: 2 })
  })
})

describe('a count that fails', () => {
  test('leaves readers with the old numbers until the next period', async () => {
    const { state, topic, join } = numbers()
    const reader = join()
    await soon()
    Object.assign(state, { fails: true, tasks: 2 })
    topic.recount()
    await vi.advanceTimersByTimeAsync(5_000)
    expect([reader.events.length, state.counted]).toEqual([1, 2])
    state.fails = false
    await vi.advanceTimersByTimeAsync(5_000)
    expect(reader.events.at(-1)).toMatchObject({ tasks: 2 })
  })

  test('at the very first is tried again too', async () => {
    const { state, join } = numbers()
    state.fails = true
    const reader = join()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(reader.events).toEqual([])
    state.fails = false
    await vi.advanceTimersByTimeAsync(10_000)
    expect(reader.events).toMatchObject([{ tasks: 1 }])
  })

  test('is followed by the numbers even where they are as before', async () => {
    const { state, topic, join } = numbers()
    const reader = join()
    await soon()
    state.fails = true
    topic.recount()
    await vi.advanceTimersByTimeAsync(1_000)
    state.fails = false
    await vi.advanceTimersByTimeAsync(10_000)
    expect(reader.events).toHaveLength(2)
  })
})

describe('when the last reader leaves', () => {
  test('nothing is left to do', async () => {
    const { state, join } = numbers()
    const [one, two] = [join(), join()]
    await soon()
    one.close()
    expect(state.abandoned).toBe(0)
    two.close()
    expect([state.abandoned, vi.getTimerCount()]).toEqual([1, 0])
  })

  test('while a count is under way, no timer follows it', async () => {
    const { state, join } = numbers({ slowness: 100 })
    const reader = join()
    await vi.advanceTimersByTimeAsync(50)
    reader.close()
    await vi.advanceTimersByTimeAsync(100)
    expect([state.abandoned, reader.events.length, vi.getTimerCount()]).toEqual([1, 0, 0])
  })
})
