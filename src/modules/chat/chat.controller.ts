import { Autowired } from '@forinda/kickjs-core'
import {
  type MessageContext,
  OnConnect,
  OnDisconnect,
  OnMessage,
  type WsContext,
  WsController,
} from '@forinda/kickjs-ws'
import { Access } from '../../access/access.js'
import { refuse } from '../../errors.js'
import { Public } from '../../http/route-flags.js'
import { ReadsService } from '../channels/reads.service.js'
import { MessagesRepository } from '../messages/messages.repository.js'
import { MessagesService } from '../messages/messages.service.js'
import { PresenceService } from '../presence/presence.service.js'
import { ChannelVisits, socketOf, visitOf } from './channel-visits.js'
import {
  authenticate,
  deleteMessage,
  editMessage,
  joinChannel,
  joinProject,
  leaveChannel,
  leaveProject,
  readChannel,
  sendMessage,
  syncChannel,
  typing,
} from './chat.contract.js'
import { Door } from './door.js'
import { ProjectVisits } from './project-visits.js'
import { room } from './rooms.js'
import { Typing } from './typing.js'

@WsController('/chat')
export class ChatController {
  @Autowired(Access) private access!: Access
  @Autowired(Door) private door!: Door
  @Autowired(ChannelVisits) private visits!: ChannelVisits
  @Autowired(ProjectVisits) private boards!: ProjectVisits
  @Autowired(PresenceService) private presence!: PresenceService
  @Autowired(MessagesService) private messages!: MessagesService
  @Autowired(MessagesRepository) private stored!: MessagesRepository
  @Autowired(ReadsService) private reads!: ReadsService
  @Autowired(Typing) private typing!: Typing

  @OnConnect()
  async connect(ctx: WsContext) {
    ctx.send('welcome', await this.door.admit(socketOf(ctx), ctx.data))
  }

  @OnDisconnect()
  disconnect(ctx: WsContext<{ reason: string }>) {
    this.presence.disconnect(ctx.id, Date.now(), ctx.data.reason === 'ping timeout')
    this.typing.stopAll(socketOf(ctx))
  }

  @Public()
  @OnMessage('auth', authenticate)
  async authenticate(ctx: MessageContext<typeof authenticate>) {
    const isStranger = ctx.get('user') === undefined
    const welcome = await this.door.enter(socketOf(ctx), ctx.data.token)
    if (isStranger) ctx.send('welcome', welcome)
    return welcome
  }

  @OnMessage('channel:join', joinChannel)
  join(ctx: MessageContext<typeof joinChannel>) {
    return this.visits.join(ctx, ctx.data.channelId, ctx.data.since)
  }

  @OnMessage('channel:leave', leaveChannel)
  leave(ctx: MessageContext<typeof leaveChannel>) {
    return this.visits.leave(ctx, ctx.data.channelId)
  }

  /** Concurrent: a burst of sends shares a commit, and the queue keeps their order. */
  @OnMessage('message:send', sendMessage, { concurrent: true })
  async send(ctx: MessageContext<typeof sendMessage>) {
    const { message, isNew } = await this.messages.deliver(ctx.user, ctx.data)
    // A sender who does not listen to the channel hears his own message all the same.
    const listens = ctx.socket.rooms.has(room.channel(message.channelId))
    if (isNew && !listens) ctx.send('message:new', message)
    return message
  }

  @OnMessage('message:edit', editMessage)
  edit(ctx: MessageContext<typeof editMessage>) {
    return this.messages.edit(ctx.user, ctx.data.messageId, ctx.data.content)
  }

  @OnMessage('message:delete', deleteMessage)
  delete(ctx: MessageContext<typeof deleteMessage>) {
    return this.messages.delete(ctx.user, ctx.data.messageId)
  }

  @OnMessage('channel:typing', typing)
  startTyping(ctx: MessageContext<typeof typing>) {
    this.listening(ctx, ctx.data.channelId)
    this.typing.start(socketOf(ctx), visitOf(ctx, ctx.data.channelId), Date.now())
  }

  @OnMessage('channel:stop_typing', typing)
  stopTyping(ctx: MessageContext<typeof typing>) {
    this.listening(ctx, ctx.data.channelId)
    this.typing.stop(socketOf(ctx), ctx.data.channelId)
  }

  @OnMessage('channel:read', readChannel)
  read(ctx: MessageContext<typeof readChannel>) {
    return this.reads.read(ctx.user, ctx.data.channelId, ctx.data.seq)
  }

  @OnMessage('channel:sync', syncChannel)
  async sync(ctx: MessageContext<typeof syncChannel>) {
    const channel = await this.access.channel(ctx.user, ctx.data.channelId)
    return this.stored.changes(channel, ctx.data.since)
  }

  @OnMessage('project:join', joinProject)
  joinBoard(ctx: MessageContext<typeof joinProject>) {
    return this.boards.join(ctx, ctx.data.projectId, ctx.data.since)
  }

  @OnMessage('project:leave', leaveProject)
  leaveBoard(ctx: MessageContext<typeof leaveProject>) {
    return this.boards.leave(ctx, ctx.data.projectId)
  }

  /** In the room means allowed: whoever loses access is taken out at once. */
  private listening(ctx: WsContext, channelId: string) {
    if (!ctx.socket.rooms.has(room.channel(channelId))) throw refuse('CHANNEL_NOT_JOINED')
  }
}
