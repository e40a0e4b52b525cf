import { Service } from '@forinda/kickjs-core'
import type { ChatSocket } from './chat-sockets.js'
import { room } from './rooms.js'

/** Without another word somebody is taken to have stopped. */
const TYPING_MS = 5_000

/** However fast somebody types, the others are told so no more often. */
const TELL_AGAIN_MS = 1_000

interface Visit {
  channelId: string
  userId: string
  userName: string
}

interface Typist {
  visit: Visit
  timer: NodeJS.Timeout
  toldAt: number
}

/** Who is typing where, told to the others in the room; it ends by itself, and with the last of his sockets. */
@Service()
export class Typing {
  /** By socket, then by channel. */
  private readonly typists = new Map<string, Map<string, Typist>>()

  start(socket: ChatSocket, visit: Visit, now: number): void {
    const channels = this.typists.get(socket.id) ?? new Map<string, Typist>()
    this.typists.set(socket.id, channels)
    const before = channels.get(visit.channelId)
    clearTimeout(before?.timer)
    const isDue = !before || before.toldAt + TELL_AGAIN_MS <= now
    if (isDue) socket.to(room.channel(visit.channelId)).emit('channel:typing', visit)
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
    socket.to(room.channel(channelId)).emit('channel:stop_typing', typist.visit)
  }

  stopAll(socket: ChatSocket): void {
    for (const channelId of [...(this.typists.get(socket.id)?.keys() ?? [])]) this.stop(socket, channelId)
  }

  private isTyping({ userId, channelId }: Visit): boolean {
    return [...this.typists.values()].some(channels => channels.get(channelId)?.visit.userId === userId)
  }
}
