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
import { ChannelFeeds } from './channel-feeds.js'
import {
  authenticate,
  deleteMessage,
  editMessage,
  type Joined,
  joinChannel,
  leaveChannel,
  readChannel,
  sendMessage,
  syncChannel,
  typing,
} from './chat.contract.js'
import type { ChatSocket } from './chat-sockets.js'
import { Door } from './door.js'
import { RoomKeeper } from './room-keeper.js'
import { room } from './rooms.js'
import { Typing } from './typing.js'

@WsController('/chat')
export class ChatController {
  @Autowired(Access) private access!: Access
  @Autowired(Door) private door!: Door
  @Autowired(RoomKeeper) private rooms!: RoomKeeper
  @Autowired(ChannelFeeds) private feeds!: ChannelFeeds
  @Autowired(PresenceService) private presence!: PresenceService
  @Autowired(MessagesService) private messages!: MessagesService
  @Autowired(MessagesRepository) private stored!: MessagesRepository
  @Autowired(ReadsService) private reads!: ReadsService
  @Autowired(Typing) private typing!: Typing

  @OnConnect()
  async connect(ctx: WsContext) {
    ctx.send('welcome', await this.door.admit(socketOf(ctx), ctx.data, Date.now()))
  }

  @OnDisconnect()
  disconnect(ctx: WsContext<{ reason: string }>) {
    this.presence.disconnect(ctx.id, Date.now(), ctx.data.reason === 'ping timeout')
    if (ctx.get('user')) this.typing.stopAll(socketOf(ctx))
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
  async join(ctx: MessageContext<typeof joinChannel>): Promise<Joined> {
    const { channelId, since } = ctx.data
    const socket = socketOf(ctx)
    const { epoch } = this.rooms
    // Before the socket enters: what may fail must not leave it half joined.
    const online = await this.onlineIn(ctx.user, channelId)
    const wasIn = socket.rooms.has(room.channel(channelId))
    const told = await this.feeds.join(ctx.user, channelId, since, () => {
      if (socket.connected) socket.join(room.channel(channelId))
    })
    await this.rooms.settle(epoch, socket, channelId)
    if (!wasIn && socket.connected)
      ctx.to(room.channel(channelId)).send('channel:user_joined', visit(ctx, channelId))
    return { ...(since === undefined ? { lastSeq: told.lastSeq } : told), online }
  }

  @OnMessage('channel:leave', leaveChannel)
  async leave(ctx: MessageContext<typeof leaveChannel>) {
    const { channelId } = ctx.data
    if (!ctx.socket.rooms.has(room.channel(channelId))) return
    this.typing.stop(socketOf(ctx), channelId)
    await ctx.leave(room.channel(channelId))
    ctx.to(room.channel(channelId)).send('channel:user_left', visit(ctx, channelId))
  }

  /** Concurrent: a burst of sends shares a commit, and the queue keeps their order. */
  @OnMessage('message:send', sendMessage, { concurrent: true })
  send(ctx: MessageContext<typeof sendMessage>) {
    return this.messages.send(ctx.user, ctx.data)
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
    this.typing.start(socketOf(ctx), ctx.data.channelId, Date.now())
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

  /** Who is online of those who may read the channel. */
  private async onlineIn(user: { id: string }, channelId: string): Promise<string[]> {
    const { workspaceId } = await this.access.channel(user, channelId)
    const online = this.presence.onlineIn(workspaceId).map(({ userId }) => userId)
    return this.access.readersAmong(channelId, online)
  }

  /** In the room means allowed: whoever loses access is taken out at once. */
  private listening(ctx: WsContext, channelId: string) {
    if (!ctx.socket.rooms.has(room.channel(channelId))) throw refuse('CHANNEL_NOT_JOINED')
  }
}

function socketOf(ctx: WsContext): ChatSocket {
  return ctx.socket
}

function visit({ user }: WsContext, channelId: string) {
  return { channelId, userId: user.id, userName: user.name }
}
