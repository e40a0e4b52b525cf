import { Autowired, Service } from '@forinda/kickjs-core'
import type { WsContext } from '@forinda/kickjs-ws'
import { Access } from '../../access/access.js'
import type { Asker } from '../../access/asker.js'
import { Events } from '../../events.js'
import { Metrics } from '../../metrics/metrics.js'
import type { Changes } from '../../realtime/changes.contract.js'
import { SharedCounts } from '../../realtime/shared-counts.js'
import { PresenceService } from '../presence/presence.service.js'
import { ChannelFeeds } from './channel-feeds.js'
import type { ChannelVisit, Joined } from './chat.contract.js'
import type { ChatSocket } from './chat-sockets.js'
import { RoomKeeper } from './room-keeper.js'
import { room } from './rooms.js'
import { Typing } from './typing.js'

/** Sockets coming into channels and going out of them again. */
@Service()
export class ChannelVisits {
  @Autowired(Access) private access!: Access
  @Autowired(ChannelFeeds) private feeds!: ChannelFeeds
  @Autowired(RoomKeeper) private rooms!: RoomKeeper
  @Autowired(PresenceService) private presence!: PresenceService
  @Autowired(Typing) private typing!: Typing
  @Autowired(Events) private events!: Events
  @Autowired(Metrics) private metrics!: Metrics

  /** The same for all who join: after a node has died, they come by the hundred. */
  private readonly online = new SharedCounts(place => {
    const [workspaceId = '', channelId = ''] = place.split(' ')
    const online = this.presence.onlineIn(workspaceId).map(({ userId }) => userId)
    return this.access.readersAmong(channelId, online)
  })

  /** Answers by itself: at the very moment when the socket enters, so that live changes come after it. */
  async join(ctx: WsContext, channelId: string, since: number | undefined): Promise<void> {
    const { epoch } = this.rooms
    // Before the socket enters: what may fail must not leave it half joined.
    const online = await this.onlineIn(ctx.user, channelId)
    await this.feeds.join(ctx.user, channelId, since, told => {
      const joined: Joined = { ...(since === undefined ? { lastSeq: told.lastSeq } : told), online }
      this.enter(ctx, channelId, joined)
      if (since !== undefined) this.metrics.resumed(outcomeOf(told))
    })
    await this.rooms.settle(epoch, socketOf(ctx), channelId)
  }

  /** Leaving where one is not is no error. */
  async leave(ctx: WsContext, channelId: string): Promise<void> {
    if (!ctx.socket.rooms.has(room.channel(channelId))) return
    this.typing.stop(socketOf(ctx), channelId)
    await ctx.leave(room.channel(channelId))
    this.tell(ctx, 'channel.left', visitOf(ctx, channelId))
  }

  private enter(ctx: WsContext, channelId: string, joined: Joined) {
    if (!ctx.socket.connected) return
    const wasIn = ctx.socket.rooms.has(room.channel(channelId))
    ctx.answer(joined)
    void ctx.join(room.channel(channelId))
    if (!wasIn) this.tell(ctx, 'channel.entered', visitOf(ctx, channelId))
  }

  private tell(ctx: WsContext, name: 'channel.entered' | 'channel.left', visit: ChannelVisit) {
    const others = socketOf(ctx).local.to(room.channel(visit.channelId)).except(room.lagging)
    others.emit(name === 'channel.entered' ? 'channel:user_joined' : 'channel:user_left', visit)
    this.events.emitElsewhere(name, visit)
  }

  /** Who is online of those who may read the channel. */
  private async onlineIn(user: Asker, channelId: string): Promise<string[]> {
    const { workspaceId } = await this.access.channel(user, channelId)
    return this.online.get(`${workspaceId} ${channelId}`)
  }
}

/** How somebody came back: to nothing new, to what he missed, or to too much of it. */
export function outcomeOf(told: Changes<object>): 'live' | 'replayed' | 'reset' {
  if ('reset' in told) return 'reset'
  return told.changes.length === 0 ? 'live' : 'replayed'
}

/** The socket of a chat event, with what the chat remembers of it. */
export function socketOf(ctx: WsContext): ChatSocket {
  return ctx.socket
}

/** Who is where, as the others in the channel are told. */
export function visitOf({ user }: WsContext, channelId: string): ChannelVisit {
  return { channelId, userId: user.id, userName: user.name }
}
