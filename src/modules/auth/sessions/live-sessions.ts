import { Autowired, HttpException, PostConstruct, Service } from '@forinda/kickjs-core'
import { LRUCache } from 'lru-cache'
import { refuse } from '../../../errors.js'
import { Events } from '../../../events.js'
import { Tokens } from '../tokens.js'
import { SessionsRepository } from './sessions.repository.js'

/** A session that may act, and its user as the database knows him now. Times in milliseconds since 1970. */
export interface LiveSession {
  sessionId: string
  userId: string
  email: string
  username: string
  name: string
  expiresAt: number
}

interface Lookup {
  askedAt: number
  found: Promise<LiveSession>
  /** Known once the session is found. */
  userId?: string
}

/** How long an answer is believed, in milliseconds: so long may a session revoked on another node still act. */
const BELIEVED_MS = 1_000
/** A moment when no token was over. */
const BEFORE_ALL_TOKENS = 0

/** Says whether a session lives, with at most one statement a second and session. */
@Service()
export class LiveSessions {
  @Autowired(SessionsRepository) private sessions!: SessionsRepository
  @Autowired(Tokens) private tokens!: Tokens
  @Autowired(Events) private events!: Events
  private readonly lookups = new LRUCache<string, Lookup>({ max: 20_000 })

  @PostConstruct()
  forgetWhatChanges(): void {
    this.events.on('session.revoked', ({ sessionId }) => {
      this.lookups.delete(sessionId)
    })
    this.events.on('user.updated', ({ userId }) => this.forgetUser(userId))
  }

  /** Errors: UNAUTHENTICATED for a session that never was or is over, SESSION_REVOKED for one that was ended. */
  async live(sessionId: string, now = Date.now()): Promise<LiveSession> {
    const known = this.lookups.get(sessionId)
    const recent = known && Math.abs(now - known.askedAt) < BELIEVED_MS ? known : this.ask(sessionId, now)
    const session = await recent.found
    if (session.expiresAt <= now) throw refuse('UNAUTHENTICATED', { message: 'The session is over: sign in' })
    return session
  }

  /** Whether the session of an access token lives, be the token itself over. Any other text: false. */
  async outlives(accessToken: string): Promise<boolean> {
    try {
      const { sessionId } = this.tokens.verify(accessToken, BEFORE_ALL_TOKENS)
      await this.live(sessionId)
      return true
    } catch (error) {
      if (error instanceof HttpException && error.status === 401) return false
      throw error
    }
  }

  private ask(sessionId: string, now: number): Lookup {
    const lookup: Lookup = { askedAt: now, found: this.load(sessionId) }
    this.lookups.set(sessionId, lookup)
    lookup.found.then(
      ({ userId }) => {
        lookup.userId = userId
      },
      () => {
        if (this.lookups.peek(sessionId) === lookup) this.lookups.delete(sessionId)
      },
    )
    return lookup
  }

  private async load(sessionId: string): Promise<LiveSession> {
    const row = await this.sessions.live(sessionId)
    if (!row) throw refuse('UNAUTHENTICATED')
    if (row.revokedAt !== null || row.disabledAt !== null) throw refuse('SESSION_REVOKED')
    const { userId, email, username, firstName, lastName } = row
    const name = `${firstName} ${lastName}`
    return { sessionId, userId, email, username, name, expiresAt: Date.parse(row.expiresAt) }
  }

  /** Lookups that are still under way may be anybody's, and may have read the row before it changed. */
  private forgetUser(userId: string): void {
    for (const [sessionId, lookup] of this.lookups) {
      if (lookup.userId === undefined || lookup.userId === userId) this.lookups.delete(sessionId)
    }
  }
}
