import { Logger } from '@forinda/kickjs-core'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Feed } from '../../src/realtime/feed.js'

Logger.configure({ level: 'silent' })

interface Change {
  seq: number
  row: number
}

/** A channel's rows as the database keeps them: each knows only its latest change. */
class Table {
  readonly latest = new Map<number, number>()
  lastSeq = 0

  write(row: number): Change {
    this.lastSeq += 1
    this.latest.set(row, this.lastSeq)
    return { seq: this.lastSeq, row }
  }

  /** A change that leaves no row. */
  skip(): void {
    this.lastSeq += 1
  }

  since(seq: number, limit = Number.POSITIVE_INFINITY): Change[] {
    return [...this.latest]
      .map(([row, changed]) => ({ seq: changed, row }))
      .filter(change => change.seq > seq)
      .sort((a, b) => a.seq - b.seq)
      .slice(0, limit)
  }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function feedOf(
  table: Table,
  reload = async (since: number): Promise<readonly Change[]> => table.since(since),
) {
  const delivered: Change[] = []
  const feed = new Feed<Change>({ deliver: change => delivered.push(change), reload })
  return { feed, delivered, seqs: () => delivered.map(({ seq }) => seq) }
}

test('changes that are heard of out of order are delivered in order, each once', async () => {
  const table = new Table()
  const { feed, seqs } = feedOf(table)
  await feed.joinAt(0, () => {})
  const [one, two, three] = [table.write(1), table.write(2), table.write(3)]
  for (const change of [three, one, one, two, three]) feed.offer(change)
  expect(seqs()).toEqual([1, 2, 3])
})

test('a change that nobody tells of is fetched, and the later ones wait for it', async () => {
  const table = new Table()
  const { feed, seqs } = feedOf(table)
  await feed.joinAt(0, () => {})
  table.write(1)
  feed.offer(table.write(2))
  expect(seqs()).toEqual([])
  await vi.advanceTimersByTimeAsync(60)
  expect(seqs()).toEqual([1, 2])
})

test('while the database cannot be read nothing is skipped, and all is delivered once it can', async () => {
  const table = new Table()
  let away = true
  const { feed, seqs } = feedOf(table, async since => {
    if (away) throw new Error('away')
    return table.since(since)
  })
  await feed.joinAt(0, () => {})
  table.write(1)
  feed.offer(table.write(2))
  await vi.advanceTimersByTimeAsync(10_000)
  expect(seqs()).toEqual([])
  away = false
  await vi.advanceTimersByTimeAsync(2_100)
  expect(seqs()).toEqual([1, 2])
})

test('thousands of missed changes are fetched in portions', async () => {
  const table = new Table()
  const { feed, seqs } = feedOf(table, async since => table.since(since, 500))
  await feed.joinAt(0, () => {})
  for (let row = 1; row <= 1700; row++) table.write(row)
  feed.expect(1700)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(seqs()).toEqual(Array.from({ length: 1700 }, (_, n) => n + 1))
})

test('who joins at a change that was not delivered yet is let in right after it', async () => {
  const table = new Table()
  const { feed, seqs } = feedOf(table)
  await feed.joinAt(0, () => {})
  const first = table.write(1)
  let heardBefore: number[] | undefined
  const joined = feed.joinAt(1, () => {
    heardBefore = seqs()
  })
  feed.offer(table.write(2))
  feed.offer(first)
  expect(await joined).toBe(true)
  expect(heardBefore).toEqual([1])
})

test("a joiner who fails hears of it himself, and is in nobody's way", async () => {
  const table = new Table()
  const { feed, seqs } = feedOf(table)
  await feed.joinAt(0, () => {})
  const fail = () => {
    throw new Error('gone')
  }
  const failing = [feed.joinAt(0, fail), feed.joinAt(1, fail)].map(joined =>
    expect(joined).rejects.toThrow('gone'),
  )
  const joined = feed.joinAt(1, () => {})
  for (let row = 1; row <= 2; row++) feed.offer(table.write(row))
  await Promise.all(failing)
  expect(await joined).toBe(true)
  expect(seqs()).toEqual([1, 2])
})

test('who knows less than what was delivered has to read on first', async () => {
  const table = new Table()
  const { feed } = feedOf(table)
  await feed.joinAt(0, () => {})
  feed.offer(table.write(1))
  expect(await feed.joinAt(0, () => expect.unreachable())).toBe(false)
})

test('a closed feed asks no more', async () => {
  const table = new Table()
  const reload = vi.fn(async () => [])
  const { feed } = feedOf(table, reload)
  await feed.joinAt(0, () => {})
  table.write(1)
  feed.offer(table.write(2))
  feed.close()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(reload).not.toHaveBeenCalled()
})

test('a closed feed delivers nothing of what it was reading', async () => {
  const table = new Table()
  const { feed, seqs } = feedOf(table, async since => {
    await new Promise(resolve => setTimeout(resolve, 20))
    return table.since(since)
  })
  await feed.joinAt(0, () => {})
  table.write(1)
  feed.fetch(1)
  feed.close()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(seqs()).toEqual([])
})

test('what will not arrive by itself is fetched without waiting for it, once for all that is asked meanwhile', async () => {
  const table = new Table()
  const reload = vi.fn(async (since: number) => table.since(since))
  const { feed, seqs } = feedOf(table, reload)
  await feed.joinAt(0, () => {})
  for (let row = 1; row <= 10; row++) feed.fetch(table.write(row).seq)
  await vi.advanceTimersByTimeAsync(0)
  expect(seqs()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  expect(reload.mock.calls.length).toBeLessThanOrEqual(2)
})

test('also what will not arrive by itself waits while the database cannot be read', async () => {
  const table = new Table()
  const reload = vi.fn(async (): Promise<readonly Change[]> => {
    throw new Error('away')
  })
  const { feed } = feedOf(table, reload)
  await feed.joinAt(0, () => {})
  feed.fetch(table.write(1).seq)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(reload.mock.calls.length).toBeLessThan(15)
})

test('a sequence that ends ahead of its rows is asked for once, and who joins at its end is let in', async () => {
  const table = new Table()
  const reload = vi.fn(async (since: number) => table.since(since))
  const { feed, seqs } = feedOf(table, reload)
  await feed.joinAt(0, () => {})
  table.write(1)
  table.skip()
  table.skip()
  feed.expect(3)
  const joined = feed.joinAt(3, () => {})
  await vi.advanceTimersByTimeAsync(60_000)
  expect(await joined).toBe(true)
  expect(reload.mock.calls.length).toBe(2)
  feed.offer(table.write(2))
  expect(seqs()).toEqual([1, 4])
})

test('what was told of is delivered although its row has gone meanwhile', async () => {
  const table = new Table()
  const { feed, seqs } = feedOf(table)
  await feed.joinAt(0, () => {})
  table.skip()
  const told = table.write(1)
  table.latest.clear()
  table.skip()
  feed.offer(told)
  feed.expect(3)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(seqs()).toEqual([2])
  expect(await feed.joinAt(3, () => {})).toBe(true)
})

type Step =
  | { do: 'write'; row: number; told: number }
  | { do: 'skip' }
  | { do: 'look' }
  | { do: 'join' }
  | { do: 'wait'; ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  // `told`: how much later the feed hears of it, in milliseconds; over 200 it never does.
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('write' as const), row: fc.nat(8), told: fc.nat(260) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('skip' as const) }) },
  // A wake-up that tells nothing but how far the sequence has come.
  { weight: 2, arbitrary: fc.record({ do: fc.constant('look' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('join' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(120) }) },
)

test('whoever joins whenever ends with every row as the table has it, hearing each change once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
      const table = new Table()
      const listeners: { known: Map<number, number>; seqs: number[] }[] = []
      const feed = new Feed<Change>({
        deliver: ({ seq, row }) => {
          for (const { known, seqs } of listeners) {
            known.set(row, seq)
            seqs.push(seq)
          }
        },
        reload: async since => table.since(since),
      })
      const joins: Promise<void>[] = []
      const join = async () => {
        const known = new Map<number, number>()
        let at = 0
        do {
          for (const { seq, row } of table.since(at)) known.set(row, seq)
          at = table.lastSeq
        } while (!(await feed.joinAt(at, () => void listeners.push({ known, seqs: [at] }))))
      }
      for (const next of steps) {
        if (next.do === 'wait') await vi.advanceTimersByTimeAsync(next.ms)
        if (next.do === 'join') joins.push(join())
        if (next.do === 'skip') table.skip()
        if (next.do === 'look') feed.fetch(table.lastSeq)
        if (next.do === 'write') {
          const change = table.write(next.row)
          if (next.told <= 200) setTimeout(() => feed.offer(change), next.told)
        }
      }
      feed.expect(table.lastSeq)
      await vi.advanceTimersByTimeAsync(10_000)
      await Promise.all(joins)
      for (const { known, seqs } of listeners) {
        expect(known).toEqual(table.latest)
        expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b))
      }
      feed.close()
    }),
    { numRuns: 300 },
  )
})
