import type { WsObserver } from '@forinda/kickjs-ws'
import type { Metrics } from './metrics.js'

/** Counts what a `WsAdapter` sees of its sockets. */
export function socketObserver(metrics: Metrics): WsObserver {
  const received = metrics.counter('socket_events_received_total', 'What clients sent', 'event')
  const answers = metrics.counter('socket_answers_total', 'Answers to clients: ok, or the error', 'code')
  const acks = metrics.timing('socket_ack_seconds', 'From an event to its answer', ['event'])
  const packets = metrics.total('socket_packets_sent_total', 'Packets written to clients')
  const bytes = metrics.total('socket_bytes_sent_total', 'Bytes of those packets')
  const closed = metrics.counter(
    'sockets_closed_total',
    'Socket connections that ended, and by whom',
    'reason',
  )
  return {
    received,
    answered(event, code, milliseconds) {
      answers(code)
      acks(milliseconds / 1_000, event)
    },
    sent(size, count) {
      packets(count)
      bytes(size)
    },
    closed,
  }
}
