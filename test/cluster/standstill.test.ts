import { Container } from '@forinda/kickjs-core'
import { Adapter } from 'socket.io-adapter'
import { expect, onTestFinished, test, vi } from 'vitest'
import { Bus, type BusObserver } from '../../src/cluster/bus.js'
import type { Frame } from '../../src/cluster/bus-frame.js'
import { CONFIG, loadConfig } from '../../src/config.js'
import { Events } from '../../src/events.js'

/** A bus that a test speaks to as another node, and the events of its node. */
function busOf(observer?: BusObserver) {
  const container = new Container().registerInstance(CONFIG, {
    ...loadConfig({}),
    jwtSecret: 'a secret that is long enough for a test',
  })
  const [bus, events] = [container.resolve(Bus), container.resolve(Events)]
  const said: Frame[] = []
  let hear: (frame: Frame) => void = () => {}
  const line = {
    serverSideEmit: (_event: 'bus', frame: Frame) => {
      said.push(frame)
      return true
    },
    on: (_event: 'bus', listener: (frame: Frame) => void) => {
      hear = listener
    },
  }
  const transport = {
    adapter: Adapter,
    isConnected: true,
    pending: 0,
    reconnect: () => {},
    close: async () => {},
  }
  bus.open(transport, line, observer)
  onTestFinished(() => bus.close())
  const happened: string[] = []
  const looks: (() => void)[] = []
  events.on('access.doubted', () => {
    happened.push('looking')
    return new Promise<void>(resolve => {
      looks.push(resolve)
    })
  })
  events.on('bus.missed', ({ nodeId }) => {
    happened.push(`missed of ${nodeId}`)
  })
  events.on('user.updated', ({ userId }) => {
    happened.push(userId)
  })
  return { hear: (frame: Frame) => hear(frame), said, happened, look: () => looks.shift()?.() }
}

const frame = (n: number, events = 1): Frame => ({
  from: 'b',
  n,
  told: Array.from({ length: events }, () => ['user.updated', { userId: `event ${n}` }]),
})

/** As a stopped process: nothing runs meanwhile. */
function standStill() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_600)
}

test('a node that stood still looks who may listen before it passes on what it hears', async () => {
  const { hear, happened, look } = busOf()
  hear(frame(1))
  expect(happened).toEqual(['event 1'])
  standStill()
  hear(frame(2))
  hear(frame(3))
  expect(happened).toEqual(['event 1', 'looking'])
  look()
  await expect.poll(() => happened).toEqual(['event 1', 'looking', 'event 2', 'event 3'])
})

test('it looks once more where it stood still again meanwhile', async () => {
  const { hear, happened, look } = busOf()
  standStill()
  hear(frame(1))
  standStill()
  hear(frame(2))
  look()
  await expect.poll(() => happened).toEqual(['looking', 'looking'])
  look()
  await expect.poll(() => happened).toEqual(['looking', 'looking', 'event 1', 'event 2'])
})

test('while it looks it takes note of the others, and of what got lost', async () => {
  const { hear, said, happened, look } = busOf()
  standStill()
  hear({ ...frame(1), beat: { at: 5, heard: {} } })
  // Who is new is answered at once.
  expect(said.at(-1)?.beat?.heard).toEqual({ b: { at: 5, agoMs: expect.any(Number) } })
  hear(frame(3))
  expect(happened).toEqual(['looking'])
  look()
  await expect.poll(() => happened).toEqual(['looking', 'event 1', 'missed of b', 'event 3'])
})

test('what is too much to be held is forgotten, and made good from the database', async () => {
  const observer = { sent: vi.fn(), received: vi.fn(), dropped: vi.fn(), lag: vi.fn() }
  const { hear, happened, look } = busOf(observer)
  standStill()
  for (let n = 1; n <= 60; n++) hear(frame(n, 100))
  hear(frame(61))
  expect(observer.dropped).toHaveBeenCalledOnce()
  look()
  await expect.poll(() => happened).toContain('event 61')
  expect(happened.slice(0, 2)).toEqual(['looking', 'missed of undefined'])
  expect(happened.filter(what => what.startsWith('event')).length).toBeLessThan(1_100)
})
