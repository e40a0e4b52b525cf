import { Logger } from '@forinda/kickjs-core'
import type { Namespace, Socket } from 'socket.io'

type Connection = Socket['conn']

/** How long a connection may be in no namespace, in milliseconds. */
export const JOIN_LIMIT = 10_000

const PACKET_OVERHEAD = 100
const logger = Logger.for('WsAdapter')

/** What a connection has joined; while that is nothing, the timer that closes it. */
interface Joined {
  namespaces: Set<Namespace>
  idle?: NodeJS.Timeout
}

/** The connections of this process that joined a namespace. Each may join several, but none twice. */
export class Connections {
  private readonly open = new Map<Connection, Joined>()

  /** One more than `max` is refused. */
  constructor(private readonly max: number) {}

  /** Calls `onSocket` for each socket of the namespace that its connection may have. */
  watch(namespace: Namespace, onSocket: (socket: Socket) => void): void {
    namespace.use(({ conn }, next) => (this.admit(conn) ? next() : next(tooMany())))
    namespace.on('connection', socket => {
      const joined = this.open.get(socket.conn)
      // Socket.IO accepts a second CONNECT that comes before it has answered the first.
      if (!joined || joined.namespaces.has(namespace)) {
        socket.conn.close()
        return
      }
      clearTimeout(joined.idle)
      joined.namespaces.add(namespace)
      socket.once('disconnect', () => leave(socket.conn, joined, namespace))
      onSocket(socket)
    })
  }

  private admit(connection: Connection): boolean {
    // One that is closed already emits no further `close`; Socket.IO drops its socket by itself.
    if (this.open.has(connection) || connection.readyState !== 'open') return true
    if (this.open.size >= this.max) return false
    this.open.set(connection, { namespaces: new Set() })
    connection.once('close', () => this.open.delete(connection))
    return true
  }
}

/** Socket.IO's `connectTimeout` ends with the first namespace, so that who left them all could stay. */
function leave(connection: Connection, joined: Joined, namespace: Namespace): void {
  joined.namespaces.delete(namespace)
  if (joined.namespaces.size > 0 || connection.readyState !== 'open') return
  joined.idle = setTimeout(() => connection.close(), JOIN_LIMIT).unref()
}

function tooMany(): Error {
  const message = 'Too many connections'
  return Object.assign(new Error(message), {
    data: { code: 'TOO_MANY_CONNECTIONS', message, retryAfterMs: 5_000 },
  })
}

/**
 * Closes a connection once about `limit` bytes wait for a client that does not read them. Engine.IO
 * would keep them all: such a client must cost the others nothing.
 */
export function closeWhenUnread(connection: Connection, limit: number): void {
  let unread = 0
  connection.on('flush', () => {
    unread = 0
  })
  connection.on('packetCreate', ({ data = '' }: { data?: string | Buffer }) => {
    unread += data.length + PACKET_OVERHEAD
    if (unread <= limit || connection.readyState !== 'open') return
    logger.warn({ remoteAddress: connection.remoteAddress }, 'closing a connection that does not read')
    connection.close(true)
  })
}
