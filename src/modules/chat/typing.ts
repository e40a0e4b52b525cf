import { Autowired, Service } from '@forinda/kickjs-core'
import { Events } from '../../events.js'
import type { ChannelVisit } from './chat.contract.js'
import type { ChatSocket } from './chat-sockets.js'
import { room } from './rooms.js'

/** Without another word somebody is taken to have stopped. */
const TYPING_MS = 5_000

/** However fast somebody types, the others are told so no more often. */
const TELL_AGAIN_MS = 1_000

interface Typist {
  visit: ChannelVisit
  timer: NodeJS.Timeout
  toldAt: number
}

/** Who is typing where, told to the others in the room; it ends by itself, and with the last of his sockets. */
@Service()
export class Typing {
  @Autowired(Events) private events!: Events
  /** By socket, then by channel. */
  private readonly typists = new Map<string, Map<string, Typist>>()

  start(socket: ChatSocket, visit: ChannelVisit, now: number): void {
    const channels = this.typists.get(socket.id) ?? new Map<string, Typist>()
    this.typists.set(socket.id, channels)
    const before = channels.get(visit.channelId)
    clearTimeout(before?.timer)
    const isDue = !before || before.toldAt + TELL_AGAIN_MS <= now
    if (isDue) this.tell(socket, 'typing.started', visit)
    const timer = setTimeout(() => this.stop(socket, visit.channelId), TYPING_MS)
    timer.unref()
    channels.set(visit.channelId, { visit, timer, toldAt: isDue ? now : before.toldAt })
  }

  /** Nothing to tell where nobody was typing, or still is in another tab. */
  stop(socket: ChatSocket, channelId: string): void {
    const channels = this.typists.get(socket.id)
    const typist = channels?.get(channelId)
    if (!channels || !typist) return
    clearTimeout(typist.timer)
    channels.delete(channelId)
    if (channels.size === 0) this.typists.delete(socket.id)
    if (this.isTyping(typist.visit)) return
    this.tell(socket, 'typing.stopped', typist.visit)
  }

  stopAll(socket: ChatSocket): void {
    for (const channelId of [...(this.typists.get(socket.id)?.keys() ?? [])]) this.stop(socket, channelId)
  }

  private tell(socket: ChatSocket, name: 'typing.started' | 'typing.stopped', visit: ChannelVisit) {
    const others = socket.local.to(room.channel(visit.channelId)).except(room.lagging)
    others.emit(name === 'typing.started' ? 'channel:typing' : 'channel:stop_typing', visit)
    this.events.emitElsewhere(name, visit)
  }

  private isTyping({ userId, channelId }: ChannelVisit): boolean {
    return [...this.typists.values()].some(channels => channels.get(channelId)?.visit.userId === userId)
  }
}
