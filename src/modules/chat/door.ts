import { Autowired, Service } from '@forinda/kickjs-core'
import { refuse } from '../../errors.js'
import { Events } from '../../events.js'
import { Authenticator } from '../../http/authenticate.js'
import type { Principal } from '../../http/principal.js'
import { PresenceService } from '../presence/presence.service.js'
import { handshake, type Welcome } from './chat.contract.js'
import { type ChatSocket, ChatSockets } from './chat-sockets.js'
import { Expulsion } from './expulsion.js'
import { room } from './rooms.js'

/** How long a socket may stay without a valid token. */
const STRANGER_MS = 10_000
/** How long before its token expires a socket is told to renew it. */
const WARNING_MS = 60_000

/** Who may be connected: tokens at the door, their renewal and their end. */
@Service()
export class Door {
  @Autowired(Authenticator) private authenticator!: Authenticator
  @Autowired(PresenceService) private presence!: PresenceService
  @Autowired(Expulsion) private expulsion!: Expulsion
  @Autowired(ChatSockets) private sockets!: ChatSockets
  @Autowired(Events) private events!: Events

  start(): void {
    this.events.on('session.revoked', ({ sessionId }) => {
      for (const socket of this.sockets.local(room.session(sessionId))) turnOut(socket, 'SESSION_REVOKED')
    })
  }

  /** Lets a socket in by the token of its handshake; without a valid one it may try again with `auth` for a while. */
  async admit(socket: ChatSocket, auth: unknown, now: number): Promise<Welcome> {
    socket.data.strangerSince = now
    const credentials = handshake.safeParse(auth)
    if (!credentials.success)
      throw refuse('UNAUTHENTICATED', { message: 'The handshake needs auth: { token }' })
    return this.enter(socket, credentials.data.token)
  }

  /** Authenticates a socket, or renews the token of one that is: another user needs another socket. */
  async enter(socket: ChatSocket, token: string): Promise<Welcome> {
    const user = await this.authenticator.byToken(token)
    const { user: before } = socket.data
    if (before && before.id !== user.id)
      throw refuse('FORBIDDEN', { message: 'This socket belongs to another user' })
    if (before && before.sessionId !== user.sessionId) socket.leave(room.session(before.sessionId))
    socket.data.user = user
    socket.data.warned = false
    socket.join([room.user(user.id), room.session(user.sessionId)])
    if (!before) await this.appear(socket, user)
    const expiresAt = new Date(user.expiresAt).toISOString()
    return { id: socket.id, userId: user.id, userName: user.name, expiresAt }
  }

  /** Ends sockets whose time is over, and warns those whose token is about to expire. */
  sweep(now: number): void {
    for (const socket of this.sockets.local()) {
      const { user, warned, strangerSince = now } = socket.data
      if (!user) {
        if (strangerSince + STRANGER_MS <= now) turnOut(socket, 'UNAUTHENTICATED')
      } else if (user.expiresAt <= now) {
        turnOut(socket, 'TOKEN_EXPIRED')
      } else if (!warned && user.expiresAt - WARNING_MS <= now) {
        socket.data.warned = true
        socket.emit('auth:expiring', { expiresAt: new Date(user.expiresAt).toISOString() })
      }
    }
  }

  private async appear(socket: ChatSocket, user: Principal) {
    let epoch: number
    let workspaceIds: string[]
    // Again if somebody lost access while we asked, since he may be the one.
    do {
      epoch = this.expulsion.epoch
      workspaceIds = await this.presence.workspacesOf(user.id)
    } while (epoch !== this.expulsion.epoch)
    if (!socket.connected) return
    socket.join(workspaceIds.map(room.workspace))
    this.presence.connect({ userId: user.id, userName: user.name }, socket.id, workspaceIds)
  }
}

function turnOut(socket: ChatSocket, code: 'SESSION_REVOKED' | 'TOKEN_EXPIRED' | 'UNAUTHENTICATED') {
  socket.emit('error', { code, message: refuse(code).message })
  socket.disconnect(true)
}
