import { HttpException } from '@forinda/kickjs-core'
import type { Namespace, Socket } from 'socket.io'
import { refusal } from './admission.js'

type Connection = Socket['conn']

/** How long a connection may be in no namespace, in milliseconds. */
export const JOIN_LIMIT = 10_000

/** What a connection has joined; while that is nothing, the timer that closes it. */
interface Joined {
  sockets: Map<Namespace, Socket>
  idle?: NodeJS.Timeout
}

/** The connections of this process that joined a namespace. Each may join several, but none twice. */
export class Connections {
  private readonly open = new Map<Connection, Joined>()

  /** One more than `max` is refused. */
  constructor(private readonly max: number) {}

  /** Calls `onSocket` for each socket of the namespace that its connection may have. */
  watch(namespace: Namespace, onSocket: (socket: Socket) => void): void {
    namespace.use(({ conn }, next) => (this.admit(conn) ? next() : next(refusal(tooMany()))))
    namespace.on('connection', socket => {
      const joined = this.open.get(socket.conn)
      // Socket.IO accepts a second CONNECT that comes before it has answered the first.
      if (!joined || joined.sockets.has(namespace)) {
        socket.conn.close()
        return
      }
      clearTimeout(joined.idle)
      joined.sockets.set(namespace, socket)
      socket.once('disconnect', () => leave(socket.conn, joined, namespace))
      onSocket(socket)
    })
  }

  socketsOf(connection: Connection): Socket[] {
    return [...(this.open.get(connection)?.sockets.values() ?? [])]
  }

  private admit(connection: Connection): boolean {
    // One that is closed already emits no further `close`; Socket.IO drops its socket by itself.
    if (this.open.has(connection) || connection.readyState !== 'open') return true
    if (this.open.size >= this.max) return false
    this.open.set(connection, { sockets: new Map() })
    connection.once('close', () => this.open.delete(connection))
    return true
  }
}

/** Socket.IO's `connectTimeout` ends with the first namespace, so that who left them all could stay. */
function leave(connection: Connection, joined: Joined, namespace: Namespace): void {
  joined.sockets.delete(namespace)
  if (joined.sockets.size > 0 || connection.readyState !== 'open') return
  joined.idle = setTimeout(() => connection.close(), JOIN_LIMIT).unref()
}

function tooMany(): HttpException {
  return HttpException.tooManyRequests('Too many connections', { code: 'RATE_LIMITED', retryAfterMs: 5_000 })
}
