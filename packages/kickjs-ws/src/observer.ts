/**
 * Who ended a connection: the client by closing it, the network, the heartbeat, the client's slow
 * reading, or the server for any other reason.
 */
export type CloseReason = 'client' | 'transport' | 'ping timeout' | 'slow' | 'server'

/** Hears what passes, for metrics. Called in the middle of the work: must be quick and not throw. */
export interface WsObserver {
  /** An event came in: its name, or `unknown` for one that no handler names. */
  received?(event: string): void
  /** It was answered, with code `ok` or that of the error, so many milliseconds after it came in. */
  answered?(event: string, code: string, ms: number): void
  /** Packets were written to one connection: of broadcasts, all those of a turn at once. */
  sent?(bytes: number, packets: number): void
  /** A connection is gone. */
  closed?(reason: CloseReason): void
}
