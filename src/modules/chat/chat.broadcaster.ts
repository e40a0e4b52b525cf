import { Autowired, Service } from '@forinda/kickjs-core'
import type { DomainEvents } from '../../events.js'
import { Events } from '../../events.js'
import { ChannelFeeds, type MessageChange } from './channel-feeds.js'
import { ChatSockets } from './chat-sockets.js'
import { channelOfRoom, room } from './rooms.js'

/** The only file that pushes to chat sockets: what happened inside becomes what clients hear. */
@Service()
export class ChatBroadcaster {
  @Autowired(Events) private events!: Events
  @Autowired(ChatSockets) private sockets!: ChatSockets
  @Autowired(ChannelFeeds) private feeds!: ChannelFeeds

  start(): void {
    const { adapter } = this.sockets.namespace
    this.feeds.open({
      deliver: change => this.message(change),
      listensTo: channelId => adapter.rooms.has(room.channel(channelId)),
    })
    adapter.on('delete-room', (name: string) => {
      const channelId = channelOfRoom(name)
      if (channelId !== undefined) this.feeds.release(channelId)
    })
    this.events.on('presence.online', event => this.online(event))
    this.events.on('presence.offline', event => this.offline(event))
    this.events.on('channel.read', ({ userId, unread }) => {
      this.sockets.namespace.to(room.user(userId)).emit('channel:unread', unread)
    })
  }

  /** To this node's sockets only: each node's own feed keeps the order. */
  private message({ kind, message }: MessageChange) {
    const listeners = this.sockets.namespace.local.to(room.channel(message.channelId))
    const { messageId, channelId, content, mentions, updatedAt, seq } = message
    if (kind === 'new') listeners.emit('message:new', message)
    if (kind === 'edited')
      listeners.emit('message:edited', { messageId, channelId, content, mentions, updatedAt, seq })
    if (kind === 'deleted') listeners.emit('message:deleted', { messageId, channelId, seq })
  }

  private online({ userId, userName, workspaceIds }: DomainEvents['presence.online']) {
    if (workspaceIds.length === 0) return
    this.sockets.namespace.to(workspaceIds.map(room.workspace)).emit('presence:online', { userId, userName })
  }

  private offline({ userId, workspaceIds }: DomainEvents['presence.offline']) {
    if (workspaceIds.length === 0) return
    this.sockets.namespace.to(workspaceIds.map(room.workspace)).emit('presence:offline', { userId })
  }
}
