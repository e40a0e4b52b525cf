import { Autowired, Service } from '@forinda/kickjs-core'
import { Events } from '../../events.js'
import { ChannelFeeds, type MessageChange } from './channel-feeds.js'
import { ChatSockets } from './chat-sockets.js'
import { ProjectFeeds, type TaskChange } from './project-feeds.js'
import { placeOf, room } from './rooms.js'

/** The only file that pushes to chat sockets: what happened inside becomes what clients hear. */
@Service()
export class ChatBroadcaster {
  @Autowired(Events) private events!: Events
  @Autowired(ChatSockets) private sockets!: ChatSockets
  @Autowired(ChannelFeeds) private channels!: ChannelFeeds
  @Autowired(ProjectFeeds) private projects!: ProjectFeeds

  start(): void {
    const { adapter } = this.sockets.namespace
    this.channels.open({
      deliver: change => this.message(change),
      listensTo: channelId => adapter.rooms.has(room.channel(channelId)),
    })
    this.projects.open({
      deliver: change => this.task(change),
      listensTo: projectId => adapter.rooms.has(room.project(projectId)),
    })
    adapter.on('delete-room', (name: string) => {
      const place = placeOf(name)
      if (place?.kind === 'channel') this.channels.release(place.id)
      if (place?.kind === 'project') this.projects.release(place.id)
    })
    this.events.on('channel.read', ({ userId, unread }) => {
      this.sockets.namespace.local.to(room.user(userId)).emit('channel:unread', unread)
    })
    this.events.on('notification.created', notification => {
      this.sockets.namespace.local.to(room.user(notification.userId)).emit('notification:new', notification)
    })
  }

  /** To this node's sockets only: each node's own feed keeps the order. */
  private message({ kind, message }: MessageChange) {
    const { messageId, channelId, reactions, replyCount, lastReplyAt, seq } = message
    const listeners = this.sockets.namespace.local.to(room.channel(channelId))
    if (kind === 'new') listeners.emit('message:new', message)
    if (kind === 'edited') listeners.emit('message:edited', message)
    if (kind === 'reacted')
      listeners.emit('message:reacted', { messageId, channelId, reactions, replyCount, lastReplyAt, seq })
    if (kind === 'deleted')
      listeners.emit('message:deleted', { messageId, channelId, replyCount, lastReplyAt, seq })
  }

  private task({ projectId, seq, origin, ...change }: TaskChange) {
    const listeners = this.sockets.namespace.local.to(room.project(projectId))
    if (change.kind === 'afresh') return void listeners.emit('project:changed', { projectId, seq })
    const caused = origin === undefined ? {} : { origin }
    if (change.kind === 'deleted')
      listeners.emit('task:deleted', { taskId: change.taskId, projectId, seq, ...caused })
    else listeners.emit(`task:${change.kind}`, { ...change.task, ...caused })
  }
}
