import { Service } from '@forinda/kickjs-core'
import { refuse } from '../../errors.js'
import type { ChatSocket } from './chat-sockets.js'
import { room } from './rooms.js'

/** Without another word somebody is taken to have stopped. */
const TYPING_MS = 5_000

/** However fast somebody types, the others are told so no more often. */
const TELL_AGAIN_MS = 1_000

interface Typist {
  timer: NodeJS.Timeout
  toldAt: number
}

/** Who is typing where, told to the others in the room; it ends by itself, and with the socket. */
@Service()
export class Typing {
  /** By socket, then by channel. */
  private readonly typists = new Map<string, Map<string, Typist>>()

  start(socket: ChatSocket, channelId: string, now: number): void {
    const channels = this.typists.get(socket.id) ?? new Map<string, Typist>()
    this.typists.set(socket.id, channels)
    const before = channels.get(channelId)
    clearTimeout(before?.timer)
    const isDue = !before || before.toldAt + TELL_AGAIN_MS <= now
    if (isDue) tell(socket, channelId, 'channel:typing')
    const timer = setTimeout(() => this.stop(socket, channelId), TYPING_MS)
    timer.unref()
    channels.set(channelId, { timer, toldAt: isDue ? now : before.toldAt })
  }

  /** Nothing to tell where nobody was typing. */
  stop(socket: ChatSocket, channelId: string): void {
    const channels = this.typists.get(socket.id)
    const typist = channels?.get(channelId)
    if (!channels || !typist) return
    clearTimeout(typist.timer)
    channels.delete(channelId)
    if (channels.size === 0) this.typists.delete(socket.id)
    tell(socket, channelId, 'channel:stop_typing')
  }

  stopAll(socket: ChatSocket): void {
    for (const channelId of [...(this.typists.get(socket.id)?.keys() ?? [])]) this.stop(socket, channelId)
  }
}

function tell(socket: ChatSocket, channelId: string, event: 'channel:typing' | 'channel:stop_typing') {
  const { user } = socket.data
  if (!user) throw refuse('UNAUTHENTICATED')
  socket.to(room.channel(channelId)).emit(event, { channelId, userId: user.id, userName: user.name })
}
