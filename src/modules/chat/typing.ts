import { Service } from '@forinda/kickjs-core'
import { refuse } from '../../errors.js'
import type { ChatSocket } from './chat-sockets.js'
import { room } from './rooms.js'

/** Without another word somebody is taken to have stopped. */
const TYPING_MS = 5_000

/** Who is typing where, told to the others in the room; it ends by itself, and with the socket. */
@Service()
export class Typing {
  private readonly timers = new Map<string, NodeJS.Timeout>()
  private readonly places = new Map<string, Set<string>>()

  start(socket: ChatSocket, channelId: string): void {
    this.tell(socket, channelId, 'channel:typing')
    this.forget(socket.id, channelId)
    const timer = setTimeout(() => this.stop(socket, channelId), TYPING_MS)
    timer.unref()
    this.timers.set(`${socket.id} ${channelId}`, timer)
    this.places.set(socket.id, (this.places.get(socket.id) ?? new Set()).add(channelId))
  }

  /** Nothing to tell where nobody was typing. */
  stop(socket: ChatSocket, channelId: string): void {
    if (this.forget(socket.id, channelId)) this.tell(socket, channelId, 'channel:stop_typing')
  }

  stopAll(socket: ChatSocket): void {
    for (const channelId of [...(this.places.get(socket.id) ?? [])]) this.stop(socket, channelId)
  }

  private forget(socketId: string, channelId: string): boolean {
    const key = `${socketId} ${channelId}`
    clearTimeout(this.timers.get(key))
    const channels = this.places.get(socketId)
    channels?.delete(channelId)
    if (channels?.size === 0) this.places.delete(socketId)
    return this.timers.delete(key)
  }

  private tell(socket: ChatSocket, channelId: string, event: 'channel:typing' | 'channel:stop_typing') {
    const { user } = socket.data
    if (!user) throw refuse('UNAUTHENTICATED')
    socket.to(room.channel(channelId)).emit(event, { channelId, userId: user.id, userName: user.name })
  }
}
