import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Backlog } from '../src/transport/backlog.js'

const PATIENCE = 25_000

/** A connection whose reader reads so many bytes a millisecond and answers so many milliseconds later. */
class Simulation {
  readonly backlog = new Backlog(PATIENCE)
  now = 0
  private sent = 0
  private read = 0
  private asked = 0
  private readonly questions: { id: number; position: number }[] = []
  private readonly answers: { id: number; at: number }[] = []

  constructor(
    public bytesPerMs: number,
    private readonly latency = 50,
  ) {}

  send(bytes: number): void {
    this.backlog.add(bytes, false)
    this.sent += bytes
    this.backlog.handOver(this.now)
    this.backlog.taken()
    this.ask()
  }

  /** A tenth of a second. */
  step(): void {
    this.now += 100
    this.read = Math.min(this.sent, this.read + 100 * this.bytesPerMs)
    while (this.questions[0] && this.questions[0].position <= this.read) {
      this.answers.push({ id: this.questions.shift()?.id ?? 0, at: this.now + this.latency })
    }
    while (this.answers[0] && this.answers[0].at <= this.now) {
      this.backlog.answer(this.answers.shift()?.id ?? 0, this.now)
    }
    this.ask()
  }

  /** Milliseconds until the reader is given up, while `traffic` goes on. */
  untilOverdue(limit: number, traffic = () => {}): number {
    const since = this.now
    while (this.now - since < limit) {
      traffic()
      this.step()
      if (this.backlog.isOverdue(this.now)) return this.now - since
    }
    return Number.POSITIVE_INFINITY
  }

  private ask(): void {
    if (!this.backlog.isToAsk(this.now)) return
    this.backlog.ask(++this.asked, this.now)
    this.questions.push({ id: this.asked, position: this.sent })
  }
}

describe('a reader', () => {
  test('of 32 KB/s or more is never given up, whatever he is sent', () => {
    const traffic = fc.array(fc.record({ wait: fc.nat(30), bytes: fc.nat(200_000) }), { maxLength: 60 })
    const speed = fc.double({ min: 33, max: 10_000, noNaN: true })
    fc.assert(
      fc.property(traffic, speed, fc.nat(4_000), (bursts, bytesPerMs, latency) => {
        const reader = new Simulation(bytesPerMs, latency)
        for (const { wait, bytes } of bursts) {
          // Not more than what he can read while the patience lasts.
          if (reader.backlog.unconfirmed < 600_000) reader.send(bytes)
          for (let n = 0; n < wait; n++) reader.step()
          expect(reader.backlog.isOverdue(reader.now)).toBe(false)
        }
      }),
    )
  })

  test('has the time for what comes after a pause from when it comes', () => {
    const reader = new Simulation(33, 3_900)
    reader.send(1)
    for (let n = 0; n < 17; n++) reader.step()
    reader.send(42_901)
    for (let n = 0; n < 47; n++) reader.step()
    reader.send(22_635)
    expect(reader.backlog.isLight).toBe(false)
    expect(reader.untilOverdue(10_000)).toBe(Number.POSITIVE_INFINITY)
  })

  test('of 1 KB/s among 25 KB/s is given up within nine seconds, whenever he became so slow', () => {
    for (let phase = 0; phase < 100; phase++) {
      const reader = new Simulation(1_000)
      const traffic = () => reader.send(2_500)
      for (let n = 0; n < phase; n++) {
        traffic()
        reader.step()
      }
      reader.bytesPerMs = 1
      expect(reader.untilOverdue(30_000, traffic)).toBeLessThanOrEqual(9_000)
    }
  })

  test('of a large answer has the time that it takes at 80 KB/s, though nothing is confirmed meanwhile', () => {
    const reader = new Simulation(80)
    reader.send(2_000_000)
    expect(reader.untilOverdue(60_000)).toBe(Number.POSITIVE_INFINITY)
    expect(reader.backlog.unconfirmed).toBe(0)
  })

  test('who stands still before a large answer is given up once the patience is over', () => {
    const reader = new Simulation(0)
    reader.send(2_000_000)
    expect(reader.untilOverdue(60_000)).toBe(PATIENCE + 100)
  })

  test('has no credit from what he read more quickly than need be', () => {
    const reader = new Simulation(10_000)
    // Read at once, though 32 KB/s would have taken 19 seconds.
    for (let n = 0; n < 3; n++) reader.send(200_000)
    reader.step()
    reader.send(40_000)
    reader.bytesPerMs = 0
    expect(reader.untilOverdue(60_000, () => reader.send(2_500))).toBeLessThan(9_000)
  })

  test('who reads nothing of little is left to the heartbeat', () => {
    const reader = new Simulation(0)
    reader.send(60_000)
    expect(reader.untilOverdue(600_000)).toBe(Number.POSITIVE_INFINITY)
  })

  test('lags after a second with more than 64 KiB unread, or at once with more than 256 KiB', () => {
    const reader = new Simulation(0)
    const isLagging = () => reader.backlog.isLagging(reader.now)
    reader.send(65_536)
    for (let n = 0; n < 20; n++) reader.step()
    expect(isLagging()).toBe(false)
    reader.send(1)
    expect(isLagging()).toBe(true)
    const burst = new Simulation(0)
    burst.send(200_000)
    for (let n = 0; n < 10; n++) burst.step()
    expect(burst.backlog.isLagging(burst.now)).toBe(false)
    burst.step()
    expect(burst.backlog.isLagging(burst.now)).toBe(true)
    const flood = new Simulation(0)
    flood.send(262_145)
    expect(flood.backlog.isLagging(flood.now)).toBe(true)
  })
})

describe('a question', () => {
  test('is asked for every 32 KiB, and for less five seconds after the first of it', () => {
    const backlog = new Backlog(PATIENCE)
    const send = (bytes: number, now: number) => {
      backlog.add(bytes, false)
      backlog.handOver(now)
    }
    expect(backlog.isToAsk(1_000_000)).toBe(false)
    send(100, 1_000)
    send(100, 5_000)
    expect([backlog.isToAsk(5_999), backlog.isToAsk(6_000)]).toEqual([false, true])
    backlog.ask(1, 6_000)
    expect(backlog.isToAsk(60_000)).toBe(false)
    send(32_767, 7_000)
    expect(backlog.isToAsk(7_000)).toBe(false)
    send(1, 7_000)
    expect(backlog.isToAsk(7_000)).toBe(true)
  })

  test('is of what the transport was given, and its answer confirms the earlier ones and nothing else', () => {
    const backlog = new Backlog(PATIENCE)
    for (const id of [1, 2, 3]) {
      backlog.add(1_000, false)
      backlog.handOver(0)
      backlog.ask(id, 0)
    }
    backlog.add(500, false)
    backlog.answer(4, 0)
    expect(backlog.unconfirmed).toBe(3_500)
    backlog.answer(2, 0)
    expect(backlog.unconfirmed).toBe(1_500)
    backlog.answer(1, 0)
    expect(backlog.unconfirmed).toBe(1_500)
    backlog.answerAll(0)
    expect(backlog.unconfirmed).toBe(500)
  })
})

test('what a connection has in memory is counted until the kernel has it', () => {
  const backlog = new Backlog(PATIENCE)
  backlog.add(1_000, true)
  backlog.add(1_000, false)
  expect([backlog.held, backlog.isWaiting]).toEqual([4_200, true])
  backlog.handOver(0)
  backlog.add(1_000, false)
  expect([backlog.held, backlog.isWaiting]).toEqual([5_800, true])
  backlog.taken()
  expect(backlog.held).toBe(1_600)
})

test('what goes to the kernel without waiting is asked for and confirmed like all else, ahead of what waits', () => {
  const backlog = new Backlog(PATIENCE)
  backlog.add(1_000, false)
  const { held } = backlog
  backlog.pass(40_000, 0)
  expect([backlog.unconfirmed, backlog.held, backlog.isToAsk(0)]).toEqual([41_000, held, true])
  backlog.ask(1, 0)
  backlog.answer(1, 0)
  expect(backlog.unconfirmed).toBe(1_000)
  backlog.pass(100, 1_000)
  expect([backlog.isToAsk(5_999), backlog.isToAsk(6_000)]).toEqual([false, true])
})
