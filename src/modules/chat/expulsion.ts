import { Autowired, Service } from '@forinda/kickjs-core'
import { Access } from '../../access/access.js'
import { refuse } from '../../errors.js'
import { Events } from '../../events.js'
import { type ChatSocket, ChatSockets } from './chat-sockets.js'
import { channelOfRoom, room } from './rooms.js'

/** Takes sockets out of the rooms that their users may no longer listen to, as soon as that is so. */
@Service()
export class Expulsion {
  @Autowired(Access) private access!: Access
  @Autowired(Events) private events!: Events
  @Autowired(ChatSockets) private sockets!: ChatSockets
  /** Grows whenever anybody may have lost access: who joined meanwhile is looked at again. */
  private changes = 0

  start(): void {
    this.events.on('channel.deleted', ({ channelId }) => this.recheckChannel(channelId))
    this.events.on('channel.updated', ({ channelId }) => this.recheckChannel(channelId))
    this.events.on('channel.member_removed', ({ userId }) => this.recheckUser(userId))
    this.events.on('member.role_changed', ({ userId }) => this.recheckUser(userId))
    this.events.on('member.removed', ({ workspaceId, userId }) =>
      this.leaveWorkspace(workspaceId, room.user(userId)),
    )
    this.events.on('workspace.deleted', ({ workspaceId }) =>
      this.leaveWorkspace(workspaceId, room.workspace(workspaceId)),
    )
    this.events.on('member.added', ({ workspaceId, userId }) => {
      this.sockets.namespace.in(room.user(userId)).socketsJoin(room.workspace(workspaceId))
    })
  }

  /** The number that `settle` compares: take it before access is checked. */
  get epoch(): number {
    return this.changes
  }

  /**
   * After a socket joined a channel: makes sure that access was not lost while it did.
   * @throws CHANNEL_NOT_FOUND when it was; the socket has left again
   */
  async settle(epoch: number, socket: ChatSocket, channelId: string): Promise<void> {
    if (epoch === this.changes) return
    await this.recheck(channelId, [socket])
    if (!socket.rooms.has(room.channel(channelId))) throw refuse('CHANNEL_NOT_FOUND')
  }

  private async leaveWorkspace(workspaceId: string, roomName: string) {
    const leaving = this.sockets.local(roomName)
    for (const socket of leaving) socket.leave(room.workspace(workspaceId))
    await this.recheckRooms(leaving)
  }

  private recheckUser(userId: string) {
    return this.recheckRooms(this.sockets.local(room.user(userId)))
  }

  private recheckChannel(channelId: string) {
    this.changes += 1
    return this.recheck(channelId, this.sockets.local(room.channel(channelId)))
  }

  private async recheckRooms(sockets: readonly ChatSocket[]) {
    this.changes += 1
    const channelIds = new Set(
      sockets.flatMap(socket => [...socket.rooms].flatMap(name => channelOfRoom(name) ?? [])),
    )
    for (const channelId of channelIds) {
      const listening = sockets.filter(socket => socket.rooms.has(room.channel(channelId)))
      await this.recheck(channelId, listening)
    }
  }

  private async recheck(channelId: string, sockets: readonly ChatSocket[]) {
    const userIds = new Set(sockets.flatMap(({ data }) => data.user?.id ?? []))
    const readers = new Set(await this.access.readersAmong(channelId, [...userIds]))
    for (const socket of sockets) {
      if (socket.data.user && readers.has(socket.data.user.id)) continue
      socket.leave(room.channel(channelId))
      socket.emit('channel:removed', { channelId })
    }
  }
}
