import { Autowired, Service } from '@forinda/kickjs-core'
import { type DomainEvents, Events } from '../../events.js'
import { Metrics } from '../../metrics/metrics.js'
import type { ChannelVisit } from './chat.contract.js'
import { type ChatSocket, ChatSockets } from './chat-sockets.js'
import { room } from './rooms.js'

type Coming = DomainEvents['presence.online']
type Going = DomainEvents['presence.offline']
/** Says something to one socket or to many. */
type Telling = (to: Pick<ChatSocket, 'emit'>) => void
type Visit = 'channel:typing' | 'channel:stop_typing' | 'channel:user_joined' | 'channel:user_left'

/**
 * Tells sockets who is around: who comes online, types, enters a channel. It is what a socket that does not
 * keep up goes without: comings and goings are kept for it, the last of each user, and the rest is left out.
 */
@Service()
export class CompanyBroadcaster {
  @Autowired(Events) private events!: Events
  @Autowired(ChatSockets) private sockets!: ChatSockets
  @Autowired(Metrics) private metrics!: Metrics
  /** By lagging socket, then by user: what to say, and the rooms that it is said in. */
  private readonly kept = new Map<string, Map<string, { rooms: readonly string[]; emit: Telling }>>()

  start(): void {
    this.events.on('presence.online', event => this.online(event))
    this.events.on('presence.offline', event => this.offline(event))
    // Of the other nodes: on its own one a socket tells the rest of the room by itself.
    this.events.on('typing.started', visit => this.visit('channel:typing', visit))
    this.events.on('typing.stopped', visit => this.visit('channel:stop_typing', visit))
    this.events.on('channel.entered', visit => this.visit('channel:user_joined', visit))
    this.events.on('channel.left', visit => this.visit('channel:user_left', visit))
    this.sockets.namespace.adapter.on('leave-room', (name: string, id: string) => {
      if (name === room.lagging) this.catchUp(id)
    })
  }

  /** Leaves a socket out while it lags behind, and tells it afterwards what matters. */
  lag(socket: ChatSocket, isLagging: boolean): void {
    if (isLagging) {
      this.kept.set(socket.id, new Map())
      socket.join(room.lagging)
    } else {
      socket.leave(room.lagging)
    }
  }

  private online({ userId, userName, workspaceIds }: Coming) {
    this.tell(userId, workspaceIds, to => to.emit('presence:online', { userId, userName }))
  }

  private offline({ userId, workspaceIds }: Going) {
    this.tell(userId, workspaceIds, to => to.emit('presence:offline', { userId }))
  }

  private tell(userId: string, workspaceIds: readonly string[], emit: Telling) {
    if (workspaceIds.length === 0) return
    const rooms = workspaceIds.map(room.workspace)
    emit(this.sockets.namespace.local.to(rooms).except(room.lagging))
    for (const socket of this.sockets.local(room.lagging)) {
      if (!isInAny(socket, rooms)) continue
      this.kept.get(socket.id)?.set(userId, { rooms, emit })
      this.metrics.dropped('presence')
    }
  }

  private visit(event: Visit, visit: ChannelVisit) {
    this.sockets.namespace.local.to(room.channel(visit.channelId)).except(room.lagging).emit(event, visit)
    for (const { rooms } of this.sockets.local(room.lagging))
      if (rooms.has(room.channel(visit.channelId))) this.metrics.dropped('typing')
  }

  private catchUp(socketId: string) {
    const kept = this.kept.get(socketId)
    this.kept.delete(socketId)
    const socket = this.sockets.namespace.sockets.get(socketId)
    if (!socket) return
    // What was for members of a workspace only is not for one who has lost his place there meanwhile.
    for (const { rooms, emit } of kept?.values() ?? []) if (isInAny(socket, rooms)) emit(socket)
  }
}

function isInAny({ rooms }: ChatSocket, names: readonly string[]): boolean {
  return names.some(name => rooms.has(name))
}
