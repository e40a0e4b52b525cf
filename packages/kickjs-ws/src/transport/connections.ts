import { HttpException } from '@forinda/kickjs-core'
import type { Namespace, Socket } from 'socket.io'
import { refusal } from './admission.js'

type Connection = Socket['conn']

/** How long a connection may be in no namespace, in milliseconds. */
export const JOIN_LIMIT = 10_000

/** What a connection has joined; while that is nothing, the timer that closes it. */
interface Joined {
  sockets: Socket[]
  idle?: NodeJS.Timeout
}

/** The connections of this process that joined a namespace. Each may join several, but none twice. */
export class Connections {
  private readonly open = new Map<Connection, Joined>()

  /** One more than `max` is refused. */
  constructor(private readonly max: number) {}

  /** Tells of each socket of the namespace that its connection may have, and of its end. */
  watch(
    namespace: Namespace,
    onSocket: (socket: Socket) => void,
    onEnd: (socket: Socket, reason: string) => void,
  ): void {
    const ended = (socket: Socket, reason: string) => {
      this.leave(socket)
      onEnd(socket, reason)
    }
    // One function for all of them: who is idle is to take little memory.
    function disconnected(this: Socket, reason: string): void {
      ended(this, reason)
    }
    namespace.use(({ conn }, next) => (this.admit(conn) ? next() : next(refusal(tooMany()))))
    namespace.on('connection', socket => {
      const joined = this.open.get(socket.conn)
      // Socket.IO accepts a second CONNECT that comes before it has answered the first.
      if (!joined || joined.sockets.some(({ nsp }) => nsp === namespace)) {
        socket.conn.close()
        return
      }
      clearTimeout(joined.idle)
      joined.sockets = [...joined.sockets, socket]
      socket.on('disconnect', disconnected)
      onSocket(socket)
    })
  }

  socketsOf(connection: Connection): readonly Socket[] {
    return this.open.get(connection)?.sockets ?? []
  }

  /** The connection is gone. */
  forget(connection: Connection): void {
    this.open.delete(connection)
  }

  private admit(connection: Connection): boolean {
    // One that is closed already emits no further `close`; Socket.IO drops its socket by itself.
    if (this.open.has(connection) || connection.readyState !== 'open') return true
    if (this.open.size >= this.max) return false
    this.open.set(connection, { sockets: [] })
    return true
  }

  /** Socket.IO's `connectTimeout` ends with the first namespace, so that who left them all could stay. */
  private leave(socket: Socket): void {
    const { conn } = socket
    const joined = this.open.get(conn)
    if (!joined) return
    joined.sockets = joined.sockets.filter(other => other !== socket)
    if (joined.sockets.length > 0 || conn.readyState !== 'open') return
    joined.idle = setTimeout(() => conn.close(), JOIN_LIMIT).unref()
  }
}

function tooMany(): HttpException {
  return HttpException.tooManyRequests('Too many connections', { code: 'RATE_LIMITED', retryAfterMs: 5_000 })
}
