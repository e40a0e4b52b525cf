import { Autowired, Logger, Service } from '@forinda/kickjs-core'
import { Access } from '../../access/access.js'
import { Events } from '../../events.js'
import { type ChatSocket, ChatSockets } from './chat-sockets.js'
import { channelOfRoom, room } from './rooms.js'
import { Typing } from './typing.js'

const logger = Logger.for('RoomKeeper')

/** Keeps sockets in the rooms that their users may listen to, and out of the others as soon as that changes. */
@Service()
export class RoomKeeper {
  @Autowired(Access) private access!: Access
  @Autowired(Events) private events!: Events
  @Autowired(ChatSockets) private sockets!: ChatSockets
  @Autowired(Typing) private typing!: Typing
  /** Grows whenever anybody's access may have changed: whoever joined meanwhile is looked at again. */
  private changes = 0

  start(): void {
    this.events.on('channel.deleted', ({ channelId }) => this.recheckChannel(channelId))
    this.events.on('channel.updated', ({ channelId }) => this.recheckChannel(channelId))
    this.events.on('channel.member_removed', ({ userId }) => this.recheckUser(userId))
    this.events.on('member.role_changed', ({ userId }) => this.recheckUser(userId))
    this.events.on('member.added', ({ workspaceId, userId }) => this.enterWorkspace(workspaceId, userId))
    this.events.on('member.removed', ({ workspaceId, userId }) =>
      this.leaveWorkspace(workspaceId, room.user(userId)),
    )
    this.events.on('workspace.deleted', ({ workspaceId }) =>
      this.leaveWorkspace(workspaceId, room.workspace(workspaceId)),
    )
  }

  /** The number that `settle` compares: take it before access is checked. */
  get epoch(): number {
    return this.changes
  }

  /** After a socket joined a channel: takes it out again if access was lost while it did. */
  async settle(epoch: number, socket: ChatSocket, channelId: string): Promise<void> {
    if (epoch !== this.changes) await this.recheck(channelId, [socket])
  }

  private enterWorkspace(workspaceId: string, userId: string) {
    this.changes += 1
    for (const socket of this.sockets.local(room.user(userId))) socket.join(room.workspace(workspaceId))
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
    await Promise.all(
      [...channelIds].map(channelId => {
        const listening = sockets.filter(socket => socket.rooms.has(room.channel(channelId)))
        return this.recheck(channelId, listening)
      }),
    )
  }

  private async recheck(channelId: string, sockets: readonly ChatSocket[]) {
    const readers = await this.readers(channelId, sockets)
    for (const socket of sockets) {
      if (socket.data.user && readers.has(socket.data.user.id)) continue
      socket.leave(room.channel(channelId))
      this.typing.stop(socket, channelId)
      socket.emit('channel:removed', { channelId })
    }
  }

  /** Nobody, while it cannot be known: whoever still may can join again. */
  private async readers(channelId: string, sockets: readonly ChatSocket[]): Promise<Set<string>> {
    const userIds = new Set(sockets.flatMap(({ data }) => data.user?.id ?? []))
    try {
      return new Set(await this.access.readersAmong(channelId, [...userIds]))
    } catch (error) {
      logger.error({ err: error, channelId }, 'access could not be checked, so the room was emptied')
      return new Set()
    }
  }
}
