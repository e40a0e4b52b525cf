import type { WsAdapterOptions } from '@forinda/kickjs-ws'

/** What carries the bus from node to node, below one of Socket.IO's own cluster adapters. */
export interface Transport {
  readonly adapter: NonNullable<WsAdapterOptions['adapter']>
  /** Whether it listens. */
  readonly isConnected: boolean
  /** What was handed over and is not on its way yet: frames go one after the other. */
  readonly pending: number
  /** Listens on a new connection, since nothing comes over the one there is. */
  reconnect(): void
  close(): Promise<void>
}
