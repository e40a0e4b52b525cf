import { Logger } from '@forinda/kickjs-core'
import { createAdapter } from '@socket.io/redis-adapter'
import { createClient } from 'redis'
import type { Transport } from './transport.js'

/** Between two tries to connect, in milliseconds. */
const LONGEST_WAIT_MS = 2_000
const PING_MS = 2_000
const SILENT_MS = 8_000

const logger = Logger.for('Bus')

/**
 * The bus over Redis' publish and subscribe. Not over its streams: what they would keep for a node that
 * was away it reads from the database, and inside events go by publish and subscribe in both adapters.
 *
 * @param key sets apart the servers that share a Redis
 */
export function redisTransport(url: string, key: string): Transport {
  const socket = {
    reconnectStrategy: (tries: number) => Math.min(50 * 2 ** tries, LONGEST_WAIT_MS),
    connectTimeout: 5_000,
    // With pings that go unanswered nothing is heard: a dead connection is left for another one.
    socketTimeout: SILENT_MS,
  }
  const subscriber = createClient({ url, socket, pingInterval: PING_MS })
  // What cannot be sent now is not worth being sent later.
  const publisher = createClient({ url, socket, pingInterval: PING_MS, disableOfflineQueue: true })
  let pending = 0
  forgive(publisher, 'publish', difference => {
    pending += difference
  })
  for (const method of ['subscribe', 'pSubscribe', 'unsubscribe', 'pUnsubscribe']) forgive(subscriber, method)
  for (const client of [subscriber, publisher]) {
    client.on('error', error => logger.debug({ err: error }, 'Redis cannot be reached'))
    client.connect().catch(error => logger.debug({ err: error }, 'Redis was left before it was reached'))
  }
  const adapter = createAdapter(publisher, subscriber, { key, publishOnSpecificResponseChannel: true })
  return {
    // Socket.IO calls it with `new`, which an arrow function or a method does not take.
    adapter: function adapterOf(namespace: unknown) {
      return adapter(namespace)
    },
    get isConnected() {
      return subscriber.isReady && publisher.isReady
    },
    get pending() {
      return pending
    },
    reconnect: () => {},
    close: async () => {
      for (const client of [subscriber, publisher]) client.destroy()
    },
  }
}

/**
 * Makes a method of a client one whose promise may be left alone, as the adapter does: a rejection that nobody
 * handles would end the process. `count` is told of calls (1) and of their ends (-1).
 */
function forgive(client: object, method: string, count: (difference: 1 | -1) => void = () => {}): void {
  const original: unknown = Reflect.get(client, method)
  if (typeof original !== 'function') throw new TypeError(`Redis' client has no ${method}`)
  const value = async (...args: unknown[]) => {
    count(1)
    try {
      await Reflect.apply(original, client, args)
    } catch (error) {
      logger.debug({ err: error, method }, 'Redis was not reached: a frame was lost')
    } finally {
      count(-1)
    }
  }
  Object.defineProperty(client, method, { value })
}
