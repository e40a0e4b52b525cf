import { EventEmitter } from 'node:events'
import { ServerResponse } from 'node:http'
import { Socket as TcpSocket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Socket } from 'socket.io'

type Transport = Socket['conn']['transport']

/** What the WebSocket standard calls the state between both handshakes. */
const OPEN = 1

/** What is used of the `ws` library's WebSocket, which Engine.IO keeps to itself. */
export interface Wire extends EventEmitter {
  readonly readyState: number
  readonly extensions: string
  readonly bufferedAmount: number
  ping(payload: number): void
  close(code: number, reason: string): void
  terminate(): void
}

/** The WebSocket of a transport; of long-polling, none. */
export function wireOf(transport: Transport): Wire | undefined {
  const socket: unknown = transport.name === 'websocket' ? Reflect.get(transport, 'socket') : undefined
  return isWire(socket) ? socket : undefined
}

/** The TCP connection below, which the `ws` library keeps to itself: after a write to it, one by the library comes later. */
export function tcpOf(wire: Wire): TcpSocket | undefined {
  const socket: unknown = Reflect.get(wire, '_socket')
  return socket instanceof TcpSocket ? socket : undefined
}

/** Whether something may still be sent: nothing may follow the frame that closes. */
export function isOpen(wire: Wire | undefined): boolean {
  return wire?.readyState === OPEN
}

/** The response to the poll that a long-polling transport is about to answer. */
export function pollOf(transport: Transport): ServerResponse | undefined {
  const response: unknown = Reflect.get(transport, 'res')
  return response instanceof ServerResponse ? response : undefined
}

/** Frees the connection at once, and with a reset what the kernel still has for it, too. */
export function cut(carrier: Wire | ServerResponse): void {
  const isPoll = carrier instanceof ServerResponse
  const socket = isPoll ? carrier.socket : tcpOf(carrier)
  if (socket && !(socket instanceof TLSSocket)) socket.resetAndDestroy()
  else if (isPoll) carrier.destroy()
  else carrier.terminate()
}

/** Gives a peer that is known to live the whole time to answer Engine.IO's own ping once more. */
export function extendHeartbeat(connection: Socket['conn']): void {
  const timer: unknown = Reflect.get(connection, 'pingTimeoutTimer')
  if (timer instanceof Object && 'refresh' in timer && typeof timer.refresh === 'function') timer.refresh()
}

function isWire(socket: unknown): socket is Wire {
  return socket instanceof EventEmitter && 'ping' in socket && 'terminate' in socket
}
