import { Autowired, HttpException, Service } from '@forinda/kickjs-core'
import { Access } from '../../access/access.js'
import { refuse } from '../../errors.js'
import { Events } from '../../events.js'
import { Authenticator } from '../../http/authenticate.js'
import { ConnectionCounts } from '../../http/limits/connection-counts.js'
import type { Principal } from '../../http/principal.js'
import { Metrics } from '../../metrics/metrics.js'
import { LiveSessions } from '../auth/sessions/live-sessions.js'
import { SessionWatch } from '../auth/sessions/session-watch.js'
import { PresenceService } from '../presence/presence.service.js'
import { handshake, type Welcome } from './chat.contract.js'
import { type ChatSocket, ChatSockets, turnOut } from './chat-sockets.js'
import { RoomKeeper } from './room-keeper.js'
import { room } from './rooms.js'

/** How long a socket may stay without a valid token. */
const STRANGER_MS = 10_000
/** How long before its token expires a socket is told to renew it. */
const WARNING_MS = 60_000

/** Who may be connected: tokens at the door, their renewal and their end. */
@Service()
export class Door {
  @Autowired(Access) private access!: Access
  @Autowired(Authenticator) private authenticator!: Authenticator
  @Autowired(ConnectionCounts) private counts!: ConnectionCounts
  @Autowired(Metrics) private metrics!: Metrics
  @Autowired(LiveSessions) private sessions!: LiveSessions
  @Autowired(SessionWatch) private watch!: SessionWatch
  @Autowired(PresenceService) private presence!: PresenceService
  @Autowired(RoomKeeper) private rooms!: RoomKeeper
  @Autowired(ChatSockets) private sockets!: ChatSockets
  @Autowired(Events) private events!: Events

  start(): void {
    this.watch.add(() => this.sockets.local().flatMap(({ data }) => data.user?.sessionId ?? []))
    this.events.on('session.revoked', ({ sessionId }) => {
      for (const socket of this.sockets.local(room.session(sessionId)))
        this.dismiss(socket, 'SESSION_REVOKED')
    })
    this.events.on('user.updated', async ({ userId }) => {
      for (const socket of this.sockets.local(room.user(userId))) await this.lookAgain(socket)
    })
  }

  /** Lets a socket in by the token of its handshake; without a valid one it may try again with `auth` for a while. */
  async admit(socket: ChatSocket, auth: unknown): Promise<Welcome> {
    try {
      return await this.enterBy(socket, auth)
    } catch (error) {
      // Not before: the token of many who come at once takes a while to be looked at.
      socket.data.strangerSince = Date.now()
      throw error
    }
  }

  /** Authenticates a socket, or renews the token of one that is: another user needs another socket. */
  async enter(socket: ChatSocket, token: string): Promise<Welcome> {
    const user = await this.authenticator.byToken(token)
    const { user: before } = socket.data
    if (before && before.id !== user.id)
      throw refuse('FORBIDDEN', { message: 'This socket belongs to another user' })
    const rooms = [room.user(user.id), room.session(user.sessionId)]
    const release = before ? undefined : this.counts.take({ userId: user.id })
    socket.join(rooms)
    try {
      // In the room a revocation finds the socket; one that came before is found here.
      await this.sessions.live(user.sessionId)
      if (!before) await this.appear(socket, user)
    } catch (error) {
      release?.()
      for (const name of rooms) if (!before || name === room.session(user.sessionId)) socket.leave(name)
      throw error
    }
    // Turned out meanwhile: what it sent comes from nobody.
    if (!socket.connected) {
      release?.()
      throw refuse('SESSION_REVOKED')
    }
    if (release) socket.once('disconnect', release)
    if (before && before.sessionId !== user.sessionId) socket.leave(room.session(before.sessionId))
    socket.data.user = user
    socket.data.warned = false
    const expiresAt = new Date(user.expiresAt).toISOString()
    return { id: socket.id, userId: user.id, userName: user.name, expiresAt }
  }

  /** Ends sockets whose time is over, and warns those whose token is about to expire. */
  sweep(now: number): void {
    for (const socket of this.sockets.local()) {
      const { user, warned, strangerSince = now } = socket.data
      if (!user) {
        if (strangerSince + STRANGER_MS <= now) this.dismiss(socket, 'UNAUTHENTICATED')
      } else if (user.expiresAt <= now) {
        this.dismiss(socket, 'TOKEN_EXPIRED')
      } else if (!warned && user.expiresAt - WARNING_MS <= now) {
        socket.data.warned = true
        socket.emit('auth:expiring', { expiresAt: new Date(user.expiresAt).toISOString() })
      }
    }
  }

  private async enterBy(socket: ChatSocket, auth: unknown): Promise<Welcome> {
    const credentials = handshake.safeParse(auth)
    if (!credentials.success)
      throw refuse('UNAUTHENTICATED', { message: 'The handshake needs auth: { token }' })
    return this.enter(socket, credentials.data.token)
  }

  private appear(socket: ChatSocket, { id, name }: Principal): Promise<void> {
    const read = () => this.access.workspacesOf([id])
    return this.rooms.whileUnchanged(read, belonging => {
      if (!socket.connected) return
      const workspaceIds = belonging.get(id) ?? []
      socket.join(workspaceIds.map(room.workspace))
      this.presence.connect({ userId: id, userName: name }, socket.id, workspaceIds)
    })
  }

  /** The user has another name now, or may not be here any more. */
  private async lookAgain(socket: ChatSocket) {
    const { user } = socket.data
    if (!user) return
    try {
      const { email, username, name } = await this.sessions.live(user.sessionId)
      // His token may have been renewed meanwhile.
      if (socket.data.user) socket.data.user = { ...socket.data.user, email, username, name }
    } catch (error) {
      // Where the database cannot tell, the watch over sessions will.
      if (!(error instanceof HttpException)) throw error
      this.dismiss(socket, 'SESSION_REVOKED')
    }
  }

  private dismiss(socket: ChatSocket, code: 'SESSION_REVOKED' | 'TOKEN_EXPIRED' | 'UNAUTHENTICATED') {
    this.metrics.closed(code.toLowerCase())
    turnOut(socket, code)
  }
}
