import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, desc, eq, gt, isNull, lt, sql } from 'drizzle-orm'
import { z } from 'zod'
import { decodeCursor, encodeCursor } from '../../../cursor.js'
import { Database, type Queries } from '../../../db/database.js'
import { removeExpired } from '../../../db/remove-expired.js'
import { refreshTokens, sessions, users } from '../../../db/schema/people.js'
import { refuse } from '../../../errors.js'
import { uuid } from '../../../fields.contract.js'
import { type PageQuery, toPage } from '../../../pagination.js'
import { selfColumns } from '../../users/self-columns.js'

/** A session about to begin, with the hash of its first refresh token. Times are ISO 8601. */
export interface NewSession {
  id: string
  userAgent: string | null
  ip: string | null
  createdAt: string
  expiresAt: string
  tokenHash: string
}

export type RevocationReason = 'signed_out' | 'refresh_token_reused' | 'password_reset' | 'disabled'

export interface RevokedSession {
  sessionId: string
  userId: string
}

const order = 'sessions'

/** Begins a session inside the write that it belongs to. */
export async function insertSession(tx: Queries, userId: string, { tokenHash, ...session }: NewSession) {
  const { id: sessionId, createdAt, expiresAt } = session
  await tx.insert(sessions).values({ ...session, userId, lastUsedAt: createdAt })
  await tx.insert(refreshTokens).values({ tokenHash, sessionId, createdAt, expiresAt })
}

/** Revokes all of a user's sessions inside the write that it belongs to. */
export function revokeAllSessions(tx: Queries, userId: string, reason: RevocationReason, now: string) {
  return tx
    .update(sessions)
    .set({ revokedAt: now, revokedReason: reason })
    .where(and(eq(sessions.userId, userId), isNull(sessions.revokedAt)))
    .returning({ sessionId: sessions.id, userId: sessions.userId })
}

@Repository()
export class SessionsRepository {
  @Autowired(Database) private db!: Database

  /** What decides whether a session lives, and who its user is now, in one statement. */
  async live(sessionId: string) {
    const [found] = await this.db.query
      .select({
        userId: sessions.userId,
        expiresAt: sessions.expiresAt,
        revokedAt: sessions.revokedAt,
        email: users.email,
        username: users.username,
        firstName: users.firstName,
        lastName: users.lastName,
        disabledAt: users.disabledAt,
      })
      .from(sessions)
      .innerJoin(users, eq(users.id, sessions.userId))
      .where(eq(sessions.id, sessionId))
    return found
  }

  /** Those of some sessions that are over: ended, run out, removed, or their user disabled. */
  async over(sessionIds: readonly string[], now: string): Promise<string[]> {
    const lives = this.db.query
      .select({ id: sessions.id })
      .from(sessions)
      .innerJoin(users, eq(users.id, sessions.userId))
      .where(
        and(
          sql`${sessions.id} = given.id`,
          isNull(sessions.revokedAt),
          gt(sessions.expiresAt, now),
          isNull(users.disabledAt),
        ),
      )
    const { rows } = await this.db.query.execute<{ id: string }>(
      sql`select given.id from unnest(${sql.param(sessionIds)}::uuid[]) as given(id) where not exists ${lives}`,
    )
    return rows.map(({ id }) => id)
  }

  /**
   * Swaps a refresh token for the next one and prolongs its session.
   * A token that was used before revokes its session instead, and that stays done.
   * @throws INVALID_REFRESH_TOKEN, with nothing changed
   */
  rotate(usedHash: string, next: { tokenHash: string; expiresAt: string }, now: string) {
    return this.db.write(async tx => {
      const [used] = await tx
        .update(refreshTokens)
        .set({ usedAt: now })
        .where(this.unused(usedHash, now))
        .returning({ sessionId: refreshTokens.sessionId })
      if (!used) return { revoked: await this.revokeFamily(tx, usedHash, now) }
      const { sessionId } = used
      const user = await this.prolong(tx, sessionId, next.expiresAt, now)
      await tx.insert(refreshTokens).values({ ...next, sessionId, createdAt: now })
      return { sessionId, user }
    })
  }

  /** The newest first, without those that ended. */
  async ofUser(userId: string, { limit, cursor }: PageQuery, now: string) {
    const before = cursor === undefined ? undefined : decodeCursor(order, z.tuple([uuid]), cursor)[0]
    const rows = await this.db.query
      .select({
        id: sessions.id,
        userAgent: sessions.userAgent,
        ip: sessions.ip,
        createdAt: sessions.createdAt,
        lastUsedAt: sessions.lastUsedAt,
        expiresAt: sessions.expiresAt,
      })
      .from(sessions)
      .where(
        and(
          eq(sessions.userId, userId),
          isNull(sessions.revokedAt),
          gt(sessions.expiresAt, now),
          before === undefined ? undefined : lt(sessions.id, before),
        ),
      )
      .orderBy(desc(sessions.id))
      .limit(limit + 1)
    return toPage(rows, limit, last => encodeCursor(order, [last.id]))
  }

  /** Whether there was such a session to revoke. */
  async revoke({ sessionId, userId }: RevokedSession, now: string): Promise<boolean> {
    const revoked = await this.db.write(tx =>
      tx
        .update(sessions)
        .set({ revokedAt: now, revokedReason: 'signed_out' satisfies RevocationReason })
        .where(and(eq(sessions.id, sessionId), eq(sessions.userId, userId), isNull(sessions.revokedAt)))
        .returning({ id: sessions.id }),
    )
    return revoked.length > 0
  }

  revokeAll(userId: string, now: string): Promise<RevokedSession[]> {
    return this.db.write(tx => revokeAllSessions(tx, userId, 'signed_out', now))
  }

  revokeByToken(tokenHash: string, now: string): Promise<RevokedSession | undefined> {
    return this.db.write(tx => this.revokeOwner(tx, tokenHash, 'signed_out', now))
  }

  /** Removes refresh tokens and sessions whose time is over. */
  async removeExpired(now: string): Promise<void> {
    await removeExpired(this.db, refreshTokens, now)
    await removeExpired(this.db, sessions, now)
  }

  private unused(tokenHash: string, now: string) {
    const { usedAt, expiresAt } = refreshTokens
    return and(eq(refreshTokens.tokenHash, tokenHash), isNull(usedAt), gt(expiresAt, now))
  }

  /** A second use, even late: either the thief or the owner comes after the other. */
  private async revokeFamily(tx: Queries, tokenHash: string, now: string) {
    const [token] = await tx
      .select({ usedAt: refreshTokens.usedAt })
      .from(refreshTokens)
      .where(eq(refreshTokens.tokenHash, tokenHash))
    if (!token?.usedAt) throw refuse('INVALID_REFRESH_TOKEN')
    return this.revokeOwner(tx, tokenHash, 'refresh_token_reused', now)
  }

  private async revokeOwner(tx: Queries, tokenHash: string, reason: RevocationReason, now: string) {
    const [revoked] = await tx
      .update(sessions)
      .set({ revokedAt: now, revokedReason: reason })
      .where(and(eq(sessions.id, this.ownerOf(tx, tokenHash)), isNull(sessions.revokedAt)))
      .returning({ sessionId: sessions.id, userId: sessions.userId })
    return revoked
  }

  private ownerOf(tx: Queries, tokenHash: string) {
    const owner = tx
      .select({ id: refreshTokens.sessionId })
      .from(refreshTokens)
      .where(eq(refreshTokens.tokenHash, tokenHash))
    return sql`(${owner})`
  }

  private async prolong(tx: Queries, sessionId: string, expiresAt: string, now: string) {
    const [user] = await tx
      .update(sessions)
      .set({ lastUsedAt: now, expiresAt })
      .from(users)
      .where(
        and(
          eq(sessions.id, sessionId),
          eq(users.id, sessions.userId),
          isNull(sessions.revokedAt),
          gt(sessions.expiresAt, now),
          isNull(users.disabledAt),
        ),
      )
      .returning(selfColumns)
    if (!user) throw refuse('INVALID_REFRESH_TOKEN')
    return user
  }
}
