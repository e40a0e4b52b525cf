import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, eq, sql } from 'drizzle-orm'
import { Database, type Queries } from '../db/database.js'
import { removeExpired } from '../db/remove-expired.js'
import { idempotencyKeys } from '../db/schema/people.js'

/** A request that may run. Two claims of one key never end at the same time, so its end tells them apart. */
export interface Claim {
  owner: string
  key: string
  requestHash: string
  lockedUntil: string
}

const { owner, key, requestHash, committed, status, answer, lockedUntil, expiresAt } = idempotencyKeys

@Repository()
export class IdempotencyRepository {
  @Autowired(Database) private db!: Database

  /** Takes a key that is free, forgotten, or held by a request that died before it changed anything. */
  async take(claim: Claim, now: string, expires: string): Promise<boolean> {
    const fresh = { ...claim, committed: false, status: null, answer: null, expiresAt: expires }
    const abandoned = sql`(not ${committed} and ${status} is null and ${lockedUntil} <= ${now})`
    const taken = await this.db.query
      .insert(idempotencyKeys)
      .values(fresh)
      .onConflictDoUpdate({
        target: [owner, key],
        set: fresh,
        setWhere: sql`${expiresAt} <= ${now} or ${abandoned}`,
      })
      .returning({ key })
    return taken.length > 0
  }

  async find(ownerId: string, keyText: string) {
    const [row] = await this.db.query
      .select({ requestHash, committed, status, answer, lockedUntil })
      .from(idempotencyKeys)
      .where(and(eq(owner, ownerId), eq(key, keyText)))
    return row
  }

  /** Notes, inside a write of the request, that it must not run again. False: another run has taken over. */
  async commit(tx: Queries, claim: Claim): Promise<boolean> {
    const updated = await tx
      .update(idempotencyKeys)
      .set({ committed: true })
      .where(this.held(claim))
      .returning({ key })
    return updated.length > 0
  }

  /** Keeps the answer; with `ifCommitted` only that of a request that changed something. False: not kept. */
  async keep(claim: Claim, kept: { status: number; answer: string }, ifCommitted: boolean): Promise<boolean> {
    const updated = await this.db.query
      .update(idempotencyKeys)
      .set(kept)
      .where(and(this.held(claim), ifCommitted ? eq(committed, true) : undefined))
      .returning({ key })
    return updated.length > 0
  }

  /** Lets the request run again, or where it has changed something tells of it from now on. */
  async release(claim: Claim, now: string): Promise<void> {
    // In this order: whoever takes a key that is free may do so within the same millisecond.
    const hasChanged = and(this.held(claim), eq(committed, true))
    await this.db.query.update(idempotencyKeys).set({ lockedUntil: now }).where(hasChanged)
    await this.db.query.delete(idempotencyKeys).where(and(this.held(claim), eq(committed, false)))
  }

  /** Lets a request run again whose answer is of no use any more. */
  async forget({ owner: ownerId, key: keyText }: Claim, useless: string): Promise<void> {
    const found = and(eq(owner, ownerId), eq(key, keyText), eq(answer, useless))
    await this.db.query.delete(idempotencyKeys).where(found)
  }

  removeExpired(now: string): Promise<void> {
    return removeExpired(this.db, idempotencyKeys, now)
  }

  private held(claim: Claim) {
    return and(eq(owner, claim.owner), eq(key, claim.key), eq(lockedUntil, claim.lockedUntil))
  }
}
