import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventQueue } from '../src/session/event-queue.js'

const MAX_BYTES = 1_000_000

/** A job whose two steps end when told to; `log` has `name` at the start of `run`, and `name.` at its end. */
function job(log: string[], name: string, concurrent: boolean, ready = true) {
  const step = () => {
    let end = () => {}
    const promise = new Promise<void>(resolve => {
      end = resolve
    })
    return {
      promise,
      end: () => {
        end()
        return settle()
      },
    }
  }
  const preparing = step()
  const running = step()
  return {
    concurrent,
    bytes: 1,
    prepare: () => preparing.promise.then(() => ready),
    run: async () => {
      log.push(name)
      await running.promise
      log.push(`${name}.`)
    },
    prepared: preparing.end,
    done: running.end,
  }
}

/** Lets every promise that can go on do so. */
const settle = () => new Promise<void>(resolve => setImmediate(resolve))

test('an event waits until all earlier ones are done', async () => {
  const log: string[] = []
  const queue = new EventQueue(MAX_BYTES)
  const [a, b, c] = [job(log, 'a', true), job(log, 'b', false), job(log, 'c', false)]
  for (const each of [a, b, c]) queue.add(each)
  await Promise.all([a, b, c].map(each => each.prepared()))
  expect(log).toEqual(['a'])
  await a.done()
  expect(log).toEqual(['a', 'a.', 'b'])
  await b.done()
  await c.done()
  expect(log).toEqual(['a', 'a.', 'b', 'b.', 'c', 'c.'])
})

test('concurrent events overlap, but start in order however long their guards take', async () => {
  const log: string[] = []
  const queue = new EventQueue(MAX_BYTES)
  const [a, b] = [job(log, 'a', true), job(log, 'b', true)]
  queue.add(a)
  queue.add(b)
  await b.prepared()
  expect(log).toEqual([])
  await a.prepared()
  expect(log).toEqual(['a', 'b'])
  await b.done()
  expect(log).toEqual(['a', 'b', 'b.'])
})

test('an event that is refused in its first step never runs and holds up nobody', async () => {
  const log: string[] = []
  const queue = new EventQueue(MAX_BYTES)
  const jobs = [false, true].flatMap(concurrent => [
    job(log, 'refused', concurrent, false),
    job(log, 'ok', concurrent),
  ])
  for (const each of jobs) queue.add(each)
  for (const each of jobs) await each.prepared()
  for (const each of jobs) await each.done()
  expect(log).toEqual(['ok', 'ok.', 'ok', 'ok.'])
})

test('it is full with 1,000 events waiting, not counting the one that runs', async () => {
  const queue = new EventQueue(MAX_BYTES)
  const first = job([], 'first', false)
  queue.add(first)
  for (let count = 0; count < 999; count++) queue.add(first)
  expect(queue.isFull).toBe(false)
  queue.add(first)
  expect(queue.isFull).toBe(true)
  await first.prepared()
  await first.done()
  expect(queue.isFull).toBe(false)
})

test('it is full once what is not done yet, running or waiting, has its bytes', async () => {
  const queue = new EventQueue(2)
  const jobs = [job([], 'a', true), job([], 'b', true, false)]
  for (const each of jobs) {
    expect(queue.isFull).toBe(false)
    queue.add(each)
  }
  await jobs[0]?.prepared()
  expect(queue.isFull).toBe(true)
  await jobs[1]?.prepared()
  expect(queue.isFull).toBe(false)
})

test('no more than 1,000 concurrent events overlap', async () => {
  const log: string[] = []
  const queue = new EventQueue(MAX_BYTES)
  const jobs = Array.from({ length: 1_001 }, (_, index) => job(log, String(index), true))
  for (const each of jobs) queue.add(each)
  await Promise.all(jobs.map(each => each.prepared()))
  expect(log).toHaveLength(1_000)
  await jobs[3]?.done()
  expect(log.slice(-2)).toEqual(['3.', '1000'])
})

test('whatever comes in whatever time: order of start, no forbidden overlap, everything ends', async () => {
  const event = fc.record({
    concurrent: fc.boolean(),
    ready: fc.boolean(),
    preparing: fc.nat(3),
    running: fc.nat(3),
    after: fc.nat(2),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 30 }), async events => {
      const queue = new EventQueue(MAX_BYTES)
      const started: number[] = []
      const active = new Set<number>()
      const ticks = async (count: number) => {
        for (let tick = 0; tick < count; tick++) await Promise.resolve()
      }
      for (const [index, { concurrent, ready, preparing, running, after }] of events.entries()) {
        queue.add({
          concurrent,
          bytes: 1,
          prepare: () => ticks(preparing).then(() => ready),
          run: async () => {
            started.push(index)
            for (const other of active) expect(concurrent && events[other]?.concurrent).toBe(true)
            active.add(index)
            await ticks(running)
            active.delete(index)
          },
        })
        await ticks(after)
      }
      await queue.drained()
      expect(active.size).toBe(0)
      expect(started).toEqual(events.flatMap(({ ready }, index) => (ready ? [index] : [])))
    }),
    { numRuns: 500 },
  )
})
