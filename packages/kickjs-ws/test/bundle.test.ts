import { expect, test } from 'vitest'
import { Bundle } from '../src/transport/bundle.js'

const [a, b, c] = ['a', 'bb', 'ccc'].map(text => Buffer.from(text)) as [Buffer, Buffer, Buffer]

test('holds frames in their order, counted and joined', () => {
  const bundle = new Bundle().and(a).and(b).and(a)
  expect([bundle.count, bundle.bytes, String(bundle.toBuffer())]).toEqual([3, 4, 'abba'])
})

test('is one and the same for all who are sent the same frames, and so are its bytes', () => {
  const empty = new Bundle()
  const readers = [empty, empty, empty].map(bundle => bundle.and(a)).map(bundle => bundle.and(b))
  const [first, ...others] = readers.map(bundle => bundle.toBuffer())
  for (const other of others) expect(other).toBe(first)
  expect(empty.and(a).toBuffer()).toBe(a)
})

test('of those who are sent different frames is their own', () => {
  const empty = new Bundle()
  let all = empty
  let some = empty
  for (const [frame, isForAll] of [
    [a, true],
    [b, false],
    [c, true],
    [b, false],
  ] as const) {
    if (isForAll) all = all.and(frame)
    some = some.and(frame)
  }
  expect([String(all.toBuffer()), String(some.toBuffer())]).toEqual(['accc', 'abbcccbb'])
})
