import type { Server as HttpServer, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { type AdapterContext, type AppAdapter, Logger } from '@forinda/kickjs-core'
import { type DefaultEventsMap, Server, type Socket } from 'socket.io'
import { knownControllers } from './decorators.js'
import { type Handlers, handlersByNamespace } from './handlers.js'
import {
  HEARTBEAT_INTERVAL,
  MAX_PAYLOAD,
  sessionId,
  socketOptions,
  type WsAdapterOptions,
} from './options.js'
import { Session, type SessionOptions } from './session/session.js'
import { noteAddress } from './transport/address.js'
import { admitBy } from './transport/admission.js'
import { Connections } from './transport/connections.js'
import { ignoreUpgrade } from './transport/ignore-upgrade.js'
import { allowedOrigins, isForeign } from './transport/origin.js'
import { Readers } from './transport/readers.js'
import { within } from './within.js'

// biome-ignore lint/suspicious/noExplicitAny: Socket.IO's own bound for a map of events
type Events = { [event: string]: any }

const DRAIN_LIMIT = 1_200
/** How long clients may take to answer that their connection is closed. */
const FAREWELL_LIMIT = 200
const UNDONE_FACTOR = 8
const UNREAD_FACTOR = 6
/** Room enough for a burst, however small the events may be. */
const LEAST_UNREAD = 1_048_576
/** A restart closes the connections one after the other, in no more time than this. */
const SPREAD_LIMIT = 2_000
const SPREAD_EACH = 5
const SOONEST_RETURN = 500
const LATEST_RETURN = 2_500

const logger = Logger.for('WsAdapter')

/**
 * Serves `@WsController` classes over Socket.IO, on the application's HTTP server. `ServerEvents` types
 * what `io` emits.
 *
 * @example new WsAdapter({ path: '/ws', heartbeatInterval: 30_000, maxPayload: 1_048_576 })
 */
export class WsAdapter<ServerEvents extends Events = DefaultEventsMap> implements AppAdapter {
  readonly name = 'WsAdapter'
  private server: Server<DefaultEventsMap, ServerEvents> | undefined
  private readonly connections: Connections
  private readonly readers: Readers
  private readonly sessions = new Map<Socket, Session>()
  private readonly forSessions: SessionOptions
  private readonly upgraded = new Set<Duplex>()
  /** Called when the last session is over. */
  private onEmpty: (() => void) | undefined
  /** Once true, nobody new is let in. */
  private closing = false
  private closed = false

  constructor(private readonly options: WsAdapterOptions = {}) {
    const { maxPayload = MAX_PAYLOAD, heartbeatInterval = HEARTBEAT_INTERVAL, observer = {} } = options
    this.connections = new Connections(options.maxConnections ?? Number.POSITIVE_INFINITY)
    this.readers = new Readers({
      maxHeld: Math.max(UNREAD_FACTOR * maxPayload, LEAST_UNREAD),
      // As with the heartbeat: 25 s of 30.
      patienceMs: (heartbeatInterval * 5) / 6,
      observer,
      socketsOf: connection => this.connections.socketsOf(connection),
      onLag: (socket, isLagging) => this.tellLag(socket, isLagging),
      onClose: connection => this.connections.forget(connection),
    })
    this.forSessions = this.whatSessionsShare()
  }

  /** The Socket.IO server. Throws before the application starts. */
  get io(): Server<DefaultEventsMap, ServerEvents> {
    if (!this.server) throw new Error('WsAdapter.io is there once the application starts')
    return this.server
  }

  /** Open connections, by what carries them. */
  get connectionCounts(): { websocket: number; polling: number } {
    return this.readers.counts
  }

  /** What all clients together were sent and have not confirmed to have read. */
  get backlogBytes(): number {
    return this.readers.backlogBytes
  }

  beforeStart({ server, container }: AdapterContext): void {
    if (!server) throw new Error('WsAdapter needs the HTTP server in beforeStart')
    const { controllers = knownControllers(), admit, translateError = same } = this.options
    const io = new Server<DefaultEventsMap, ServerEvents>({
      ...socketOptions(this.options),
      allowRequest: this.doorkeeper(),
    })
    this.server = io
    this.closing = false
    this.closed = false

    const namespaces = handlersByNamespace(controllers, container)
    for (const [name, handlers] of namespaces) {
      this.connections.watch(
        io.of(name),
        socket => this.serve(socket, handlers),
        (socket, reason) => this.sessions.get(socket)?.end(reason),
      )
      if (admit) admitBy(admit, translateError, io.of(name))
    }
    if (!namespaces.has('/')) io.use((_socket, next) => next(new Error('Invalid namespace')))
    this.attach(io, server)
  }

  /**
   * Refuses new connections and sends the others away, one after the other within two seconds: each is
   * told `server:restarting { reconnectInMs }` at once and served on until its turn comes. Then what it
   * sent before is answered, and it sees a transport close, after which clients come back by themselves.
   */
  async drain(): Promise<void> {
    if (!this.server || this.closing) return
    this.closing = true
    for (const socket of this.sessions.keys()) {
      const spread = Math.random() * (LATEST_RETURN - SOONEST_RETURN)
      socket.emit('server:restarting', { reconnectInMs: Math.round(SOONEST_RETURN + spread) })
    }
    const open = this.readers.connections
    const spread = Math.min(SPREAD_LIMIT, SPREAD_EACH * open.length)
    await Promise.all(open.map((connection, n) => this.sendAway(connection, (spread * n) / open.length)))
  }

  /**
   * Refuses new connections and events, lets those under way finish (1.2 s at most), then closes every
   * connection of this process. Clients see a transport close and come back by themselves.
   */
  async shutdown(): Promise<void> {
    if (!this.server || this.closed) return
    this.closing = true
    this.closed = true
    await within(
      DRAIN_LIMIT,
      [...this.sessions.values()].map(session => session.drain()),
    )
    this.server.engine.close()
    await within(DRAIN_LIMIT, [this.sessionsEnded()])
    const gone = [...this.upgraded].map(socket => new Promise(resolve => socket.once('close', resolve)))
    await within(FAREWELL_LIMIT, gone)
    for (const socket of this.upgraded) socket.destroy()
    const adapters = [...this.server._nsps.values()].map(namespace => namespace.adapter)
    await within(
      DRAIN_LIMIT,
      adapters.map(async adapter => adapter.close()),
    )
  }

  private async sendAway(connection: Socket['conn'], afterMs: number): Promise<void> {
    await delay(afterMs, undefined, { ref: false })
    const sessions = this.connections.socketsOf(connection).map(socket => this.sessions.get(socket))
    await within(
      DRAIN_LIMIT,
      sessions.map(session => session?.drain()),
    )
    await within(DRAIN_LIMIT, [this.readers.of(connection)?.whenFlushed()])
    connection.close(true)
  }

  private doorkeeper() {
    const origin = allowedOrigins(this.options.cors)
    return (request: IncomingMessage, decide: (error: string | null, isAllowed: boolean) => void): void => {
      if (this.closing) decide('The server is shutting down', false)
      else if (isForeign(request, origin)) decide('This origin is not allowed', false)
      else decide(null, true)
    }
  }

  private attach(io: Server<DefaultEventsMap, ServerEvents>, server: HttpServer): void {
    const { trustProxy = 0, sessionIdPrefix } = this.options
    io.attach(server)
    if (sessionIdPrefix !== undefined) io.engine.generateId = () => sessionId(sessionIdPrefix)
    io.engine.use((request: IncomingMessage, _response: unknown, next: (error?: Error) => void) => {
      const isKnown = request.method === 'GET' || request.method === 'POST'
      next(isKnown ? undefined : new Error('Neither a poll nor a send'))
    })
    io.engine.on('connection', connection => {
      noteAddress(connection, trustProxy)
      this.readers.follow(connection)
    })
    const { upgraded } = this
    function forget(this: Duplex): void {
      upgraded.delete(this)
    }
    server.on('upgrade', (request, socket, head) => {
      if (!request.url?.startsWith(`${io.path()}/`)) return ignoreUpgrade(server, request, socket, head)
      upgraded.add(socket)
      socket.on('close', forget)
    })
  }

  private serve(socket: Socket, handlers: Handlers): void {
    this.sessions.set(socket, new Session(socket, handlers, this.forSessions))
  }

  private whatSessionsShare(): SessionOptions {
    const { throttle, guards = [], translateError = same, observer = {} } = this.options
    const { maxPayload = MAX_PAYLOAD } = this.options
    return {
      throttle,
      guards,
      translateError,
      observer,
      maxBytes: UNDONE_FACTOR * maxPayload,
      whenLight: ({ conn }) => this.readers.of(conn)?.whenLight(),
      onEnd: socket => {
        this.sessions.delete(socket)
        if (this.sessions.size === 0) this.onEmpty?.()
      },
    }
  }

  private sessionsEnded(): Promise<void> | undefined {
    if (this.sessions.size === 0) return
    return new Promise(resolve => {
      this.onEmpty = resolve
    })
  }

  private tellLag(socket: Socket, isLagging: boolean): void {
    try {
      this.options.onLag?.(socket, isLagging)
    } catch (error) {
      logger.error({ err: error }, 'onLag failed')
    }
  }
}

const same = (error: unknown): unknown => error
