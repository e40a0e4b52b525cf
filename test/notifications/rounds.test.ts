import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import { Rounds } from '../../src/rounds.js'

const logger = { warn: vi.fn() }
const begun: Rounds[] = []
afterEach(async () => {
  logger.warn.mockClear()
  await Promise.all(begun.splice(0).map(rounds => rounds.stop()))
})

/** Rounds that end when the test says so, by `end`. */
function slowRounds(everyMs = 60_000) {
  const running: (() => void)[] = []
  const rounds = new Rounds(() => new Promise(resolve => running.push(resolve)), { everyMs, logger })
  begun.push(rounds)
  rounds.start()
  return { rounds, running, end: () => running.at(-1)?.() }
}

const untilBegun = (running: unknown[], count: number) =>
  vi.waitFor(() => expect(running).toHaveLength(count), 5_000)

test('a round comes when it is woken, one at a time, and one for many wakings', async () => {
  const { rounds, running, end } = slowRounds()
  for (let n = 0; n < 5; n++) rounds.wake()
  await nextTurn()
  expect(running).toHaveLength(1)
  end()
  // What woke it amid the first round may have come too late for that.
  await untilBegun(running, 2)
  end()
  await nextTurn()
  await nextTurn()
  expect(running).toHaveLength(2)
  rounds.wake()
  await untilBegun(running, 3)
  end()
})

test('a round comes by itself after a while', async () => {
  const { running, end } = slowRounds(20)
  end()
  await untilBegun(running, 2)
  end()
  await untilBegun(running, 3)
  end()
})

test('a round that fails is logged, and another one comes', async () => {
  let count = 0
  const round = async () => {
    count += 1
    if (count === 1) throw new Error('away')
  }
  const rounds = new Rounds(round, { everyMs: 20, logger })
  begun.push(rounds)
  rounds.start()
  await vi.waitFor(() => expect(count).toBeGreaterThan(1), 5_000)
  expect(logger.warn).toHaveBeenCalledOnce()
})

test('the end waits for the round under way, and none comes after it', async () => {
  const { rounds, running, end } = slowRounds(1)
  let isOver = false
  const stopping = rounds.stop().then(() => {
    isOver = true
  })
  await nextTurn()
  expect(isOver).toBe(false)
  end()
  await stopping
  rounds.wake()
  await nextTurn()
  expect(running).toHaveLength(1)
})

test('a round runs apart from whatever woke it', async () => {
  const request = new AsyncLocalStorage<string>()
  const seen: (string | undefined)[] = []
  const rounds = new Rounds(
    async () => {
      seen.push(request.getStore())
    },
    { everyMs: 60_000, logger },
  )
  begun.push(rounds)
  rounds.start()
  await vi.waitFor(() => expect(seen).toHaveLength(1))
  request.run('a request', () => rounds.wake())
  await vi.waitFor(() => expect(seen).toHaveLength(2))
  expect(seen).toEqual([undefined, undefined])
})
