import type { AdapterContext, AppAdapter } from '@forinda/kickjs-core'
import { Logger } from '@forinda/kickjs-core'
import type { WsAdapter } from '@forinda/kickjs-ws'
import { PresenceService } from '../presence/presence.service.js'
import { ChannelFeeds } from './channel-feeds.js'
import { ChatBroadcaster } from './chat.broadcaster.js'
import type { ServerEvents } from './chat.contract.js'
import { ChatSockets } from './chat-sockets.js'
import { CompanyBroadcaster } from './company.broadcaster.js'
import { Door } from './door.js'
import { ProjectFeeds } from './project-feeds.js'
import { RoomKeeper } from './room-keeper.js'

const logger = Logger.for('Chat')
/** Expiry is to be felt within a second. */
const TICK_MS = 500

/** Connects the chat to the Socket.IO server once there is one, and lets it go with it. */
export class ChatAdapter implements AppAdapter {
  readonly name = 'ChatAdapter'
  private ticker: NodeJS.Timeout | undefined
  private container: AdapterContext['container'] | undefined

  constructor(private readonly sockets: WsAdapter<ServerEvents>) {}

  beforeStart({ container }: AdapterContext): void {
    this.container = container
    container.resolve(ChatSockets).open(this.sockets.io.of('/chat'))
    container.resolve(ChatBroadcaster).start()
    container.resolve(CompanyBroadcaster).start()
    container.resolve(RoomKeeper).start()
    const door = container.resolve(Door)
    door.start()
    this.ticker = setInterval(() => this.tick(door), TICK_MS)
    this.ticker.unref()
  }

  async shutdown(): Promise<void> {
    clearInterval(this.ticker)
    this.container?.resolve(PresenceService).close()
    await this.container?.resolve(ChannelFeeds).close()
    await this.container?.resolve(ProjectFeeds).close()
  }

  private tick(door: Door) {
    try {
      door.sweep(Date.now())
    } catch (error) {
      logger.error({ err: error }, 'the sweep of expired sockets failed')
    }
  }
}
