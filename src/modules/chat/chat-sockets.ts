import { Service } from '@forinda/kickjs-core'
import type { DefaultEventsMap, Namespace, Socket } from 'socket.io'
import { type ErrorCode, refuse } from '../../errors.js'
import type { Principal } from '../../http/principal.js'
import type { ServerEvents } from './chat.contract.js'

export type ChatSocket = Socket<DefaultEventsMap, ServerEvents, DefaultEventsMap, SocketData>
export type ChatNamespace = Namespace<DefaultEventsMap, ServerEvents, DefaultEventsMap, SocketData>

/** What is remembered of a socket; `user` is missing while it has not shown a token. */
export interface SocketData {
  user?: Principal
  /** Told that its token is about to expire. */
  warned?: boolean
  /** When it came without a valid token, in milliseconds since 1970. */
  strangerSince?: number
}

/** The sockets of the chat namespace on this node. */
@Service()
export class ChatSockets {
  private opened: ChatNamespace | undefined

  open(namespace: ChatNamespace): void {
    this.opened = namespace
  }

  /** Whether the chat is being served. */
  get isOpen(): boolean {
    return this.opened !== undefined
  }

  get namespace(): ChatNamespace {
    if (!this.opened) throw new Error('The chat is not being served yet')
    return this.opened
  }

  /** This node's sockets, all or those in a room. */
  local(roomName?: string): ChatSocket[] {
    if (!this.opened) return []
    if (roomName === undefined) return [...this.opened.sockets.values()]
    return [...(this.opened.adapter.rooms.get(roomName) ?? [])].flatMap(
      id => this.opened?.sockets.get(id) ?? [],
    )
  }
}

/** Ends a socket with a reason. */
export function turnOut(socket: ChatSocket, code: ErrorCode): void {
  socket.emit('error', { code, message: refuse(code).message })
  // What it sent and was not looked at yet comes from nobody now.
  delete socket.data.user
  socket.disconnect(true)
}
