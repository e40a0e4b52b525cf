import { createHash, randomBytes } from 'node:crypto'
import { Autowired, Service } from '@forinda/kickjs-core'
import jwt from 'jsonwebtoken'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import { refuse } from '../../errors.js'
import { uuid } from '../../fields.contract.js'
import { Secrets } from '../../secrets.js'

/** What an access token says: whose it is, in which session, and until when in milliseconds since 1970. */
export interface AccessClaims {
  userId: string
  sessionId: string
  expiresAt: number
}

const claims = z.object({ sub: uuid, sid: uuid, exp: z.int() })

/** The text of a token is a third of a kilobyte. */
const MOST_KNOWN = 20_000

/** Access tokens: short-lived JWTs, signed and checked with HS256 and nothing else. */
@Service()
export class Tokens {
  @Autowired(Secrets) private secrets!: Secrets
  /** What was signed with our key stays so: a signature is only looked at once. */
  private readonly genuine = new LRUCache<string, AccessClaims>({ max: MOST_KNOWN })

  /** A token that ends at `expiresAt`, rounded down to the second, as JWTs count. */
  issue(
    user: { id: string; email: string; name: string },
    sessionId: string,
    expiresAt: number,
    now: number,
  ) {
    const { id, email, name } = user
    const [iat, exp] = [seconds(now), seconds(expiresAt)]
    const payload = { sub: id, email, name, sid: sessionId, iat, exp }
    const token = jwt.sign(payload, this.secrets.jwtKey, { algorithm: 'HS256' })
    return { token, expiresAt: exp * 1000 }
  }

  /** Errors: TOKEN_EXPIRED for one of ours whose time is over, UNAUTHENTICATED for any other text. */
  verify(token: string, now: number): AccessClaims {
    const claims = this.genuine.get(token) ?? this.learn(token)
    if (claims.expiresAt <= now) throw refuse('TOKEN_EXPIRED')
    return claims
  }

  private learn(token: string): AccessClaims {
    const parsed = claims.safeParse(this.payload(token))
    if (!parsed.success) throw refuse('UNAUTHENTICATED')
    const { sub, sid, exp } = parsed.data
    const learned = { userId: sub, sessionId: sid, expiresAt: exp * 1000 }
    this.genuine.set(token, learned)
    return learned
  }

  private payload(token: string): unknown {
    try {
      return jwt.verify(token, this.secrets.jwtKey, { algorithms: ['HS256'], ignoreExpiration: true })
    } catch {
      throw refuse('UNAUTHENTICATED')
    }
  }
}

/** 256 random bits as text, for whoever holds it: a refresh token, a ticket, an invitation, a reset. */
export function opaqueToken(): string {
  return randomBytes(32).toString('base64url')
}

/** What the database keeps of an opaque token: enough to know it again, too little to use it. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000)
}
