import { Pace } from '@forinda/kickjs-core'
import { describe, expect, test } from 'vitest'

describe('a pace', () => {
  test('lets each milestone be due when 32 KB/s have brought all before it', () => {
    const pace = new Pace()
    pace.send(32_000, 100)
    const first = pace.milestone(100)
    pace.send(64_000, 200)
    expect([first, pace.milestone(200)]).toEqual([
      { position: 32_000, due: 1_100 },
      { position: 96_000, due: 3_100 },
    ])
  })

  test('counts from when something is sent, not from what was long read by then', () => {
    const pace = new Pace()
    pace.send(32_000, 0)
    pace.send(32_000, 10_000)
    expect(pace.milestone(10_000).due).toBe(11_000)
  })

  test('has whoever is ahead go on from there', () => {
    const pace = new Pace()
    pace.send(320_000, 0)
    const last = pace.milestone(0)
    pace.reach(288_000, [last], 100)
    pace.send(32_000, 100)
    expect([last.due, pace.milestone(100).due]).toEqual([1_100, 2_100])
    expect([pace.sent, pace.read]).toEqual([352_000, 288_000])
  })

  test('gives whoever is behind no more time', () => {
    const pace = new Pace()
    pace.send(64_000, 0)
    const last = pace.milestone(0)
    pace.reach(32_000, [last], 3_000)
    expect(last.due).toBe(2_000)
  })

  test('is too slow for somebody five seconds after a milestone was due', () => {
    const pace = new Pace()
    pace.send(32_000, 0)
    const last = pace.milestone(0)
    expect([pace.isLate(last, 6_000), pace.isLate(last, 6_001)]).toEqual([false, true])
  })
})
