import { Logger } from '@forinda/kickjs-core'
import { createAdapter } from '@socket.io/postgres-adapter'
import { BusPool } from '../../db/bus-pool.js'
import type { Transport } from './transport.js'

const logger = Logger.for('Bus')

/** The bus over LISTEN and NOTIFY, on connections of its own, so that no write ever waits for it. */
export function postgresTransport(url: string): Transport {
  const pool = new BusPool(url)
  const adapter = createAdapter(pool, {
    channelPrefix: 'vibed',
    tableName: 'bus_attachments',
    errorHandler: error => logger.debug({ err: error }, 'a frame was lost'),
  })
  return {
    // Socket.IO calls it with `new`, which an arrow function or a method does not take.
    adapter: function adapterOf(namespace: unknown) {
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
