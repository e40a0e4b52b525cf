import type { WsAdapter } from '@forinda/kickjs-ws'
import type { Metrics } from './metrics.js'

/** Shows how many sockets a `WsAdapter` has open, and what waits for their clients. */
export function gaugeSockets(
  metrics: Metrics,
  sockets: Pick<WsAdapter, 'connectionCounts' | 'backlogBytes'>,
): void {
  for (const kind of ['websocket', 'polling'] as const)
    metrics.gauge('connections', 'Open connections', () => sockets.connectionCounts[kind], { kind })
  metrics.gauge('queue_bytes', 'Bytes that wait for clients to read them', () => sockets.backlogBytes, {
    kind: 'socket',
  })
}
