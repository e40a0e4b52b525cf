import { Logger } from '@forinda/kickjs-core'
import { createAdapter } from '@socket.io/postgres-adapter'
import { BusPool } from '../../db/bus-pool.js'
import type { Transport } from './transport.js'

const logger = Logger.for('Bus')

/** The bus over LISTEN and NOTIFY, on connections of its own, so that no write ever waits for it. */
export function postgresTransport(url: string): Transport {
  const pool = new BusPool(url)
  // Made when there is something to serve: it connects and sets timers at once.
  let adapter: ReturnType<typeof createAdapter> | undefined
  const options = {
    channelPrefix: 'vibed',
    tableName: 'bus_attachments',
    errorHandler: (error: Error) => logger.debug({ err: error }, 'a frame was lost'),
  }
  return {
    // Socket.IO calls it with `new`, which an arrow function or a method does not take.
    adapter: function adapterOf(namespace: unknown) {
      adapter ??= createAdapter(pool, options)
      return adapter(namespace)
    },
    get isConnected() {
      return pool.isListening
    },
    get pending() {
      return pool.pending
    },
    reconnect: () => pool.reconnect(),
    close: () => pool.end(),
  }
}
