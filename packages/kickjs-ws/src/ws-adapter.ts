import type { Server as HttpServer, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { AdapterContext, AppAdapter, Class } from '@forinda/kickjs-core'
import { type DefaultEventsMap, Server, type ServerOptions, type Socket } from 'socket.io'
import { knownControllers } from './decorators.js'
import { type Handlers, handlersByNamespace } from './handlers.js'
import { type Guard, Session } from './session/session.js'
import { Connections, closeWhenUnread, JOIN_LIMIT } from './transport/connections.js'
import { ignoreUpgrade } from './transport/ignore-upgrade.js'
import { ANSWERED_FACTOR, parserFor } from './transport/large-frames.js'
import { allowedOrigins, type CorsOptions, isForeign } from './transport/origin.js'

export interface WsAdapterOptions {
  /** Where clients connect, as their option `path`. Default `/ws`. */
  path?: string
  /** Within this time a peer that vanished is noticed, in milliseconds. Default 30,000. */
  heartbeatInterval?: number
  /** Largest event in bytes; up to four times that is answered `PAYLOAD_TOO_LARGE`. Default 1 MiB. */
  maxPayload?: number
  /** Connections of this process; one more is refused with `TOO_MANY_CONNECTIONS`. Default: no limit. */
  maxConnections?: number
  /** Browsers of other origins that may connect. Default: none. */
  cors?: CorsOptions | undefined
  /** A Socket.IO cluster adapter, such as `createAdapter(…)` of `@socket.io/postgres-adapter` gives. */
  adapter?: ServerOptions['adapter'] | undefined
  /** Run before each event is validated, in this order. */
  guards?: readonly Guard[]
  /** Turns what a library threw into an `HttpException`, where the application knows what it means. */
  translateError?: (error: unknown) => unknown
  /** Default: every class that `@WsController` has marked when the server starts. */
  controllers?: readonly Class[]
}

// biome-ignore lint/suspicious/noExplicitAny: Socket.IO's own bound for a map of events
type Events = { [event: string]: any }

const MAX_PAYLOAD = 1_048_576
const DRAIN_LIMIT = 1_200
const UNREAD_FACTOR = 16
const UNDONE_FACTOR = 8

/**
 * Serves `@WsController` classes over Socket.IO, on the application's HTTP server. `ServerEvents` types
 * what `io` emits.
 *
 * @example new WsAdapter({ path: '/ws', heartbeatInterval: 30_000, maxPayload: 1_048_576 })
 */
export class WsAdapter<ServerEvents extends Events = DefaultEventsMap> implements AppAdapter {
  readonly name = 'WsAdapter'
  private server: Server<DefaultEventsMap, ServerEvents> | undefined
  private readonly sessions = new Set<Session>()
  private readonly upgraded = new Set<Duplex>()
  private closing = false

  constructor(private readonly options: WsAdapterOptions = {}) {}

  /** The Socket.IO server. Throws before the application starts. */
  get io(): Server<DefaultEventsMap, ServerEvents> {
    if (!this.server) throw new Error('WsAdapter.io is there once the application starts')
    return this.server
  }

  beforeStart({ server, container }: AdapterContext): void {
    if (!server) throw new Error('WsAdapter needs the HTTP server in beforeStart')
    const { controllers = knownControllers(), maxConnections = Number.POSITIVE_INFINITY } = this.options
    const io = new Server<DefaultEventsMap, ServerEvents>(this.socketOptions())
    this.server = io
    this.closing = false

    const namespaces = handlersByNamespace(controllers, container)
    const connections = new Connections(maxConnections)
    for (const [name, handlers] of namespaces) {
      connections.watch(io.of(name), socket => this.serve(socket, handlers))
    }
    if (!namespaces.has('/')) io.use((_socket, next) => next(new Error('Invalid namespace')))
    this.attach(io, server)
  }

  /**
   * Refuses new connections and events, lets those under way finish (1.2 s at most), then closes every
   * connection of this process. Clients see a transport close and come back by themselves.
   */
  async shutdown(): Promise<void> {
    if (!this.server || this.closing) return
    this.closing = true
    await within(
      DRAIN_LIMIT,
      [...this.sessions].map(session => session.drain()),
    )
    this.server.engine.close()
    const closed = [...this.upgraded].map(socket => new Promise(resolve => socket.once('close', resolve)))
    await within(DRAIN_LIMIT, [...[...this.sessions].map(session => session.ended), ...closed])
    for (const socket of this.upgraded) socket.destroy()
    const adapters = [...this.server._nsps.values()].map(namespace => namespace.adapter)
    await within(
      DRAIN_LIMIT,
      adapters.map(async adapter => adapter.close()),
    )
  }

  private socketOptions(): Partial<ServerOptions> {
    const { path = '/ws', heartbeatInterval = 30_000, maxPayload = MAX_PAYLOAD, cors, adapter } = this.options
    const origin = allowedOrigins(cors)
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
      allowRequest: (request, decide) => {
        if (this.closing) decide('The server is shutting down', false)
        else if (isForeign(request, origin)) decide('This origin is not allowed', false)
        else decide(null, true)
      },
      ...(cors && { cors: { ...cors, origin } }),
      ...(adapter && { adapter }),
    }
  }

  private attach(io: Server<DefaultEventsMap, ServerEvents>, server: HttpServer): void {
    const { maxPayload = MAX_PAYLOAD } = this.options
    io.attach(server)
    io.engine.use((request: IncomingMessage, _response: unknown, next: (error?: Error) => void) => {
      const isKnown = request.method === 'GET' || request.method === 'POST'
      next(isKnown ? undefined : new Error('Neither a poll nor a send'))
    })
    io.engine.on('connection', connection => closeWhenUnread(connection, UNREAD_FACTOR * maxPayload))
    server.on('upgrade', (request, socket, head) => {
      if (!request.url?.startsWith(`${io.path()}/`)) return ignoreUpgrade(server, request, socket, head)
      this.upgraded.add(socket)
      socket.once('close', () => this.upgraded.delete(socket))
    })
  }

  private serve(socket: Socket, handlers: Handlers): void {
    const { guards = [], translateError = error => error, maxPayload = MAX_PAYLOAD } = this.options
    const maxBytes = UNDONE_FACTOR * maxPayload
    const session = new Session(socket, handlers, { guards, translateError, maxBytes })
    this.sessions.add(session)
    void session.ended.then(() => this.sessions.delete(session))
  }
}

/** Waits for all of the work, or until the time (in milliseconds) is over. */
function within(time: number, work: readonly Promise<unknown>[]): Promise<unknown> {
  return Promise.race([Promise.allSettled(work), delay(time, undefined, { ref: false })])
}
