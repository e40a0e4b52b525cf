import { type ContextUser, HttpException, type Schema } from '@forinda/kickjs-core'
import type { Socket } from 'socket.io'
import { addressOf } from './transport/address.js'

/**
 * What a handler works with: one event of one socket.
 *
 * `data` is the event's payload, as the schema gave it back. At connect it is the handshake's `auth`,
 * at disconnect `{ reason }`.
 */
// biome-ignore lint/suspicious/noExplicitAny: without a schema nothing is known of the payload
export class WsContext<Data = any> {
  constructor(
    /** The Socket.IO socket below, for what this class does not offer. */
    readonly socket: Socket,
    /** The event's name; `connect` and `disconnect` in those handlers. */
    readonly event: string,
    public data: Data,
    private readonly acknowledge?: (data: unknown) => void,
  ) {}

  get id(): string {
    return this.socket.id
  }

  get namespace(): string {
    return this.socket.nsp.name
  }

  /** Where the client is, as the adapter's `trustProxy` says. */
  get address(): string {
    return addressOf(this.socket)
  }

  /** What was stored with `set('user', …)`. Throws an `HttpException` 401 where nothing was. */
  get user(): ContextUser {
    const user: ContextUser | undefined = this.get('user')
    if (!user) throw HttpException.unauthorized()
    return user
  }

  /** Reads what `set` stored on this socket, in whatever event. */
  // biome-ignore lint/suspicious/noExplicitAny: the caller knows what he stored
  get<T = any>(key: string): T {
    return this.socket.data[key]
  }

  /**
   * Stores a value for as long as the socket lives. It is kept in `socket.data`, which Socket.IO's
   * `fetchSockets()` shows to other nodes: no secrets, nothing large.
   */
  set(key: string, value: unknown): void {
    this.socket.data[key] = value
  }

  /**
   * Answers the event now, not when the handler returns: whatever reaches the socket from here on comes
   * after the answer. What the handler returns or throws afterwards is not sent.
   */
  answer(data: unknown): void {
    this.acknowledge?.(data)
  }

  /** To this socket alone. */
  send(event: string, data?: unknown): void {
    this.socket.emit(event, data)
  }

  /** Await it where a cluster adapter is in use. */
  join(room: string): Promise<void> | void {
    return this.socket.join(room)
  }

  leave(room: string): Promise<void> | void {
    return this.socket.leave(room)
  }

  /** The rooms joined, without the one that Socket.IO makes for each socket. */
  rooms(): string[] {
    return [...this.socket.rooms].filter(room => room !== this.socket.id)
  }

  /** To all in the room except this socket. */
  to(room: string): { send(event: string, data?: unknown): void } {
    return { send: (event, data) => void this.socket.to(room).emit(event, data) }
  }

  /** To all of the namespace except this socket. */
  broadcast(event: string, data?: unknown): void {
    this.socket.broadcast.emit(event, data)
  }

  /** To all of the namespace, this socket included. */
  broadcastAll(event: string, data?: unknown): void {
    this.socket.nsp.emit(event, data)
  }

  /**
   * Ends this socket; its client does not reconnect by itself. A reason reaches the client first, as
   * event `error` with code `DISCONNECTED`.
   */
  disconnect(reason?: string): void {
    if (reason !== undefined) this.send('error', { code: 'DISCONNECTED', message: reason })
    this.socket.disconnect()
  }
}

/**
 * The context of a handler whose `@OnMessage` has this schema.
 *
 * @example async join(ctx: MessageContext<typeof joinChannel>) { ctx.data.channelId }
 */
export type MessageContext<S extends Schema> = WsContext<S extends Schema<infer Output> ? Output : never>
