import { Autowired, Service } from '@forinda/kickjs-core'
import { addressOf, backlogOf } from '@forinda/kickjs-ws'
import { Metrics } from '../../metrics/metrics.js'
import { LiveStreams, type OpenStream } from '../../realtime/live-streams.js'
import { type ChatSocket, ChatSockets, turnOut } from '../chat/chat-sockets.js'
import type { ConnectionsQuery, OpenConnection } from './operators.contract.js'

/** The sockets and streams of this node. */
@Service()
export class NodeConnections {
  @Autowired(ChatSockets) private sockets!: ChatSockets
  @Autowired(LiveStreams) private streams!: LiveStreams
  @Autowired(Metrics) private metrics!: Metrics

  list({ userId, kind, after, limit }: ConnectionsQuery): OpenConnection[] {
    const place = after && { connectedAt: after[0], id: after[1] }
    return [...this.sockets.local().map(socket => ofSocket(socket)), ...[...this.streams.all()].map(ofStream)]
      .filter(open => userId === undefined || open.userId === userId)
      .filter(open => kind === undefined || open.kind === kind)
      .filter(open => place === undefined || inOrder(place, open) < 0)
      .sort(inOrder)
      .slice(0, limit)
  }

  /** Whether it was here to be closed. */
  close(connectionId: string): boolean {
    const socket = this.sockets.local().find(({ id }) => id === connectionId)
    if (!socket) return this.streams.closeById(connectionId)
    turnOut(socket, 'CLOSED_BY_OPERATOR')
    this.metrics.closed('operator')
    return true
  }
}

/** The oldest first; the id decides among those of one moment. */
export function inOrder(one: Place, other: Place): number {
  return compare(one.connectedAt, other.connectedAt) || compare(one.id, other.id)
}

type Place = Pick<OpenConnection, 'connectedAt' | 'id'>

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function ofSocket(socket: ChatSocket): OpenConnection {
  const { id, data, conn, handshake, rooms } = socket
  return {
    id,
    kind: conn.transport.name === 'websocket' ? 'websocket' : 'polling',
    userId: data.user?.id ?? null,
    userName: data.user?.name ?? null,
    connectedAt: new Date(handshake.issued).toISOString(),
    address: addressOf(socket),
    rooms: rooms.size,
    path: null,
    backlogBytes: backlogOf(socket),
  }
}

function ofStream({ id, user, path, address, openedAt, backlogBytes }: OpenStream): OpenConnection {
  return {
    id,
    kind: 'stream',
    userId: user.id,
    userName: user.name,
    connectedAt: new Date(openedAt).toISOString(),
    address,
    rooms: null,
    path,
    backlogBytes,
  }
}
