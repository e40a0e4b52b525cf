import { Container } from '@forinda/kickjs-core'
import { Adapter } from 'socket.io-adapter'
import { expect, test } from 'vitest'
import { Bus } from '../../src/cluster/bus.js'
import type { Frame } from '../../src/cluster/bus-frame.js'
import { CONFIG, loadConfig } from '../../src/config.js'
import { Events } from '../../src/events.js'

test('a node that stood still looks who may listen before it passes on what it hears', async () => {
  const container = new Container().registerInstance(CONFIG, {
    ...loadConfig({}),
    jwtSecret: 'a secret that is long enough for a test',
  })
  const [bus, events] = [container.resolve(Bus), container.resolve(Events)]
  let hear: (frame: Frame) => void = () => {}
  const line = {
    serverSideEmit: () => true,
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
  bus.open(transport, line)

  const happened: string[] = []
  let look = () => {}
  events.on('access.doubted', () => {
    happened.push('looking')
    return new Promise<void>(resolve => {
      look = resolve
    })
  })
  events.on('user.updated', ({ userId }) => {
    happened.push(userId)
  })
  const frame = (n: number): Frame => ({ from: 'b', n, told: [['user.updated', { userId: `event ${n}` }]] })
  hear(frame(1))
  expect(happened).toEqual(['event 1'])

  // As a stopped process: nothing runs meanwhile.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_600)
  hear(frame(2))
  hear(frame(3))
  expect(happened).toEqual(['event 1', 'looking'])
  look()
  await expect.poll(() => happened).toEqual(['event 1', 'looking', 'event 2', 'event 3'])
  await bus.close()
})
