import { expect, test } from 'vitest'
import { SharedCounts } from '../../src/realtime/shared-counts.js'

/** Counts that end when the test says so. */
function counting() {
  const begun: { id: string; end: (value: number) => void; fail: (error: Error) => void }[] = []
  const counts = new SharedCounts(
    id => new Promise<number>((resolve, reject) => begun.push({ id, end: resolve, fail: reject })),
  )
  return { counts, begun }
}

const turn = () => new Promise(resolve => setImmediate(resolve))

test('whoever asks while a count is under way shares the next one with all others who do', async () => {
  const { counts, begun } = counting()
  const first = counts.get('a')
  const later = Array.from({ length: 50 }, () => counts.get('a'))
  expect(begun).toHaveLength(1)
  begun[0]?.end(1)
  expect(await first).toBe(1)
  await turn()
  expect(begun).toHaveLength(2)
  begun[1]?.end(2)
  expect(await Promise.all(later)).toEqual(Array(50).fill(2))
})

test('no count is given to anybody who asked after it had begun', async () => {
  const { counts, begun } = counting()
  void counts.get('a')
  const second = counts.get('a')
  begun[0]?.end(1)
  await turn()
  const third = counts.get('a')
  begun[1]?.end(2)
  await turn()
  begun[2]?.end(3)
  expect([await second, await third]).toEqual([2, 3])
})

test('different ids do not wait for each other', async () => {
  const { counts, begun } = counting()
  const [a, b] = [counts.get('a'), counts.get('b')]
  expect(begun.map(({ id }) => id)).toEqual(['a', 'b'])
  begun[1]?.end(2)
  expect(await b).toBe(2)
  begun[0]?.end(1)
  expect(await a).toBe(1)
})

test('a count that fails fails those who shared it, and the next begins all the same', async () => {
  const { counts, begun } = counting()
  const first = counts.get('a')
  const second = counts.get('a')
  begun[0]?.fail(new Error('away'))
  await expect(first).rejects.toThrow('away')
  await turn()
  begun[1]?.end(2)
  expect(await second).toBe(2)
})

test('a quiet id begins anew at once', async () => {
  const { counts, begun } = counting()
  const first = counts.get('a')
  begun[0]?.end(1)
  await first
  await turn()
  void counts.get('a')
  expect(begun).toHaveLength(2)
})
