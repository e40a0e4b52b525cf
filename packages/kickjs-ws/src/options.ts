import { randomBytes } from 'node:crypto'
import type { Class } from '@forinda/kickjs-core'
import type { ServerOptions, Socket } from 'socket.io'
import type { WsContext } from './context.js'
import type { WsObserver } from './observer.js'
import type { Guard } from './session/session.js'
import type { Admit } from './transport/admission.js'
import { JOIN_LIMIT } from './transport/connections.js'
import { ANSWERED_FACTOR, parserFor } from './transport/large-frames.js'
import { allowedOrigins, type CorsOptions } from './transport/origin.js'

export interface WsAdapterOptions {
  /** Where clients connect, as their option `path`. Default `/ws`. */
  path?: string
  /** Within this time a peer that vanished is noticed, in milliseconds. Default 30,000. */
  heartbeatInterval?: number
  /** Largest event in bytes; up to four times that is answered `PAYLOAD_TOO_LARGE`. Default 1 MiB. */
  maxPayload?: number
  /** Connections of this process; one more is refused with `RATE_LIMITED`. Default: no limit. */
  maxConnections?: number
  /** Asked before a client connects to a namespace; what it throws is the client's `connect_error`. */
  admit?: Admit | undefined
  /** How many proxies stand in front, whose `X-Forwarded-For` is believed. Default 0. */
  trustProxy?: number
  /** Stands before a dot at the head of each session id (`sid`), for proxies to find the process by. */
  sessionIdPrefix?: string | undefined
  /** Browsers of other origins that may connect. Default: none. */
  cors?: CorsOptions | undefined
  /** A Socket.IO cluster adapter, such as `createAdapter(…)` of `@socket.io/postgres-adapter` gives. */
  adapter?: ServerOptions['adapter'] | undefined
  /** Asked before anything else about each event, also one that no handler names; what it throws is the answer. */
  throttle?: (ctx: WsContext) => void | Promise<void>
  /** Run before each event is validated, in this order. */
  guards?: readonly Guard[]
  /** Turns what a library threw into an `HttpException`, where the application knows what it means. */
  translateError?: (error: unknown) => unknown
  /**
   * A client reads more slowly than it is sent to (more than 64 KiB unread for a second, or more than
   * 256 KiB), or does so no more: what can be done without need not be sent to it meanwhile.
   */
  onLag?: (socket: Socket, isLagging: boolean) => void
  /** Hears what passes, for metrics. */
  observer?: WsObserver
  /** Default: every class that `@WsController` has marked when the server starts. */
  controllers?: readonly Class[]
}

export const MAX_PAYLOAD = 1_048_576
export const HEARTBEAT_INTERVAL = 30_000
const ID_BYTES = 15

/** What Socket.IO is told. */
export function socketOptions(options: WsAdapterOptions): Partial<ServerOptions> {
  const { path = '/ws', heartbeatInterval = HEARTBEAT_INTERVAL, maxPayload = MAX_PAYLOAD } = options
  const { cors, adapter } = options
  return {
    path,
    // A peer may vanish right after a pong. It is then pinged within half an interval and given up a
    // third later: 25 s of 30, which leaves room for timers that run late.
    pingInterval: Math.round(heartbeatInterval / 2),
    pingTimeout: Math.round(heartbeatInterval / 3),
    parser: parserFor(maxPayload),
    maxHttpBufferSize: ANSWERED_FACTOR * maxPayload,
    destroyUpgrade: false,
    connectTimeout: JOIN_LIMIT,
    serveClient: false,
    perMessageDeflate: false,
    ...(cors && { cors: { ...cors, origin: allowedOrigins(cors) } }),
    ...(adapter && { adapter }),
  }
}

/** An id that nobody guesses: who knows it may poll in its owner's stead. */
export function sessionId(prefix: string): string {
  return `${prefix}.${randomBytes(ID_BYTES).toString('base64url')}`
}
