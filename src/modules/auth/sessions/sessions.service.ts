import { Autowired, Service } from '@forinda/kickjs-core'
import { v7 } from 'uuid'
import type { Asker } from '../../../access/asker.js'
import { CONFIG, type Config } from '../../../config.js'
import { refuse } from '../../../errors.js'
import { Events } from '../../../events.js'
import type { Self } from '../../users/users.contract.js'
import type { SignedIn } from '../auth.contract.js'
import { hashToken, opaqueToken, Tokens } from '../tokens.js'
import { type NewSession, type RevokedSession, SessionsRepository } from './sessions.repository.js'

/** Where a sign-in comes from, for its owner to recognise it by. */
export interface Device {
  ip: string
  userAgent: string
}

/** A refresh token in clear, on its way to its owner, and the session that it prolongs. */
interface Refreshable {
  sessionId: string
  refreshToken: string
  expiresAt: string
}

@Service()
export class SessionsService {
  @Autowired(CONFIG) private config!: Config
  @Autowired(Tokens) private tokens!: Tokens
  @Autowired(SessionsRepository) private sessions!: SessionsRepository
  @Autowired(Events) private events!: Events

  /** A session to be stored by whoever makes its user in the same write, and what `answer` needs of it. */
  draft({ ip, userAgent }: Device, now: number): { session: NewSession; refreshable: Refreshable } {
    const sessionId = v7()
    const { refreshToken, tokenHash, expiresAt } = this.nextToken(now)
    const createdAt = new Date(now).toISOString()
    return {
      session: {
        id: sessionId,
        ip: ip || null,
        userAgent: userAgent || null,
        createdAt,
        expiresAt,
        tokenHash,
      },
      refreshable: { sessionId, refreshToken, expiresAt },
    }
  }

  /** What a client gets when it signs in: a fresh access token beside the refresh token. */
  answer(user: Self, { sessionId, refreshToken, expiresAt }: Refreshable, now: number): SignedIn {
    const ends = Math.min(now + this.config.accessTokenMs, Date.parse(expiresAt))
    const { id, email, firstName, lastName } = user
    const access = this.tokens.issue({ id, email, name: `${firstName} ${lastName}` }, sessionId, ends, now)
    return {
      user,
      accessToken: access.token,
      accessTokenExpiresAt: new Date(access.expiresAt).toISOString(),
      refreshToken,
      refreshTokenExpiresAt: expiresAt,
    }
  }

  /** Errors: INVALID_REFRESH_TOKEN, REFRESH_TOKEN_REUSED. */
  async refresh(usedToken: string, now = Date.now()): Promise<SignedIn> {
    const { refreshToken, tokenHash, expiresAt } = this.nextToken(now)
    const time = new Date(now).toISOString()
    const rotated = await this.sessions.rotate(hashToken(usedToken), { tokenHash, expiresAt }, time)
    if (rotated.user) {
      return this.answer(rotated.user, { sessionId: rotated.sessionId, refreshToken, expiresAt }, now)
    }
    this.announce(rotated.revoked)
    throw refuse('REFRESH_TOKEN_REUSED')
  }

  /** Ends the session that the refresh token belongs to; one that is unknown or over needs no ending. */
  async signOut(refreshToken: string, now = Date.now()): Promise<void> {
    this.announce(await this.sessions.revokeByToken(hashToken(refreshToken), new Date(now).toISOString()))
  }

  async signOutEverywhere(user: Asker, now = Date.now()): Promise<void> {
    this.announce(...(await this.sessions.revokeAll(user.id, new Date(now).toISOString())))
  }

  /** Errors: SESSION_NOT_FOUND, also for another user's. */
  async revoke(user: Asker, sessionId: string, now = Date.now()): Promise<void> {
    const session = { sessionId, userId: user.id }
    const revoked = await this.sessions.revoke(session, new Date(now).toISOString())
    if (!revoked) throw refuse('SESSION_NOT_FOUND')
    this.announce(session)
  }

  /** Removes what no one can use any more. For the timetable. */
  removeExpired(now: number): Promise<void> {
    return this.sessions.removeExpired(new Date(now).toISOString())
  }

  /** Tells, after the commit, that sessions were revoked. */
  announce(...revoked: readonly (RevokedSession | undefined)[]): void {
    for (const session of revoked) if (session) this.events.emit('session.revoked', session)
  }

  private nextToken(now: number) {
    const refreshToken = opaqueToken()
    const expiresAt = new Date(now + this.config.refreshTokenMs).toISOString()
    return { refreshToken, tokenHash: hashToken(refreshToken), expiresAt }
  }
}
