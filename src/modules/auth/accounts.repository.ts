import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, asc, eq, gt, isNull, type SQL, sql } from 'drizzle-orm'
import { Database, type Queries, violatedConstraint } from '../../db/database.js'
import { personColumns } from '../../db/person-columns.js'
import { removeExpired } from '../../db/remove-expired.js'
import { passwordResets, users } from '../../db/schema/people.js'
import { refuse } from '../../errors.js'
import { selfColumns } from '../users/self-columns.js'
import type { Self } from '../users/users.contract.js'
import type { Account } from './auth.contract.js'
import {
  insertSession,
  type NewSession,
  type RevokedSession,
  revokeAllSessions,
} from './sessions/sessions.repository.js'
import { usernameFrom, withNumber } from './usernames.js'

export interface NewAccount {
  email: string
  firstName: string
  lastName: string
  passwordHash: string
}

const USERNAME_ATTEMPTS = 20

const accountColumns = {
  ...personColumns,
  email: users.email,
  isOperator: users.isOperator,
  disabledAt: users.disabledAt,
}

/** Users as those who sign in: with what proves who they are. */
@Repository()
export class AccountsRepository {
  @Autowired(Database) private db!: Database

  async byEmail(email: string) {
    const [account] = await this.db.query
      .select({ user: selfColumns, passwordHash: users.passwordHash, disabledAt: users.disabledAt })
      .from(users)
      .where(eq(users.email, email))
    return account
  }

  /** Stores a user under a free username, with his first session. Errors: EMAIL_TAKEN. */
  async create(account: NewAccount, session: NewSession): Promise<Self> {
    const created = this.db.write(async tx => {
      const user = await this.insertUser(tx, account)
      await insertSession(tx, user.id, session)
      return user
    })
    return created.catch(error => {
      throw violatedConstraint(error) === 'users_email_index' ? refuse('EMAIL_TAKEN') : error
    })
  }

  /**
   * Begins a session for whoever knew the password that is stored, if it is still the one. Its row is
   * held, so that a reset comes before, and is heeded, or after, and revokes the session.
   */
  beginSession(userId: string, passwordHash: string, session: NewSession): Promise<boolean> {
    return this.db.write(async tx => {
      const [same] = await tx
        .select({ id: users.id })
        .from(users)
        .where(and(eq(users.id, userId), eq(users.passwordHash, passwordHash), isNull(users.disabledAt)))
        .for('share')
      if (same) await insertSession(tx, userId, session)
      return same !== undefined
    })
  }

  async addReset(userId: string, tokenHash: string, expiresAt: string): Promise<void> {
    await this.db.write(tx => tx.insert(passwordResets).values({ userId, tokenHash, expiresAt }))
  }

  async hasReset(tokenHash: string, now: string): Promise<boolean> {
    const [reset] = await this.db.query
      .select({ userId: passwordResets.userId })
      .from(passwordResets)
      .where(this.openReset(tokenHash, now))
    return reset !== undefined
  }

  /**
   * Uses up a reset, and with it the user's others: sets the password and revokes all his sessions.
   * @throws INVALID_RESET_TOKEN, with nothing changed
   */
  reset(tokenHash: string, passwordHash: string, now: string): Promise<RevokedSession[]> {
    return this.db.write(async tx => {
      const [reset] = await tx
        .update(passwordResets)
        .set({ usedAt: now })
        .where(this.openReset(tokenHash, now))
        .returning({ userId: passwordResets.userId })
      if (!reset) throw refuse('INVALID_RESET_TOKEN')
      const { userId } = reset
      await tx.update(users).set({ passwordHash, updatedAt: now }).where(eq(users.id, userId))
      await tx
        .delete(passwordResets)
        .where(and(eq(passwordResets.userId, userId), isNull(passwordResets.usedAt)))
      return revokeAllSessions(tx, userId, 'password_reset', now)
    })
  }

  /**
   * Shuts a user out in the name of an operator, and revokes all his sessions.
   * @throws FORBIDDEN where the operator is none any more, USER_NOT_FOUND
   */
  disable(operatorId: string, userId: string, now: string) {
    return this.db.write(async tx => {
      // Of two who shut each other out at once one comes first, so that one always remains.
      const operators = await tx
        .select({ id: users.id })
        .from(users)
        .where(and(users.isOperator, isNull(users.disabledAt)))
        .orderBy(asc(users.id))
        .for('no key update')
      if (!operators.some(({ id }) => id === operatorId)) throw refuse('FORBIDDEN')
      const disabledAt = sql`coalesce(${users.disabledAt}, ${now})`
      const account = await this.setDisabled(tx, userId, disabledAt)
      return { account, revoked: await revokeAllSessions(tx, userId, 'disabled', now) }
    })
  }

  /** Lets a user sign in again. Errors: USER_NOT_FOUND. */
  enable(userId: string): Promise<Account> {
    return this.db.write(tx => this.setDisabled(tx, userId, sql`null`))
  }

  removeExpiredResets(now: string): Promise<void> {
    return removeExpired(this.db, passwordResets, now)
  }

  private async insertUser(tx: Queries, account: NewAccount): Promise<Self> {
    const wanted = usernameFrom(account.email)
    for (let attempt = 0; attempt < USERNAME_ATTEMPTS; attempt++) {
      const username = attempt === 0 ? wanted : withNumber(wanted, attempt)
      const [user] = await tx
        .insert(users)
        .values({ ...account, username })
        .onConflictDoNothing({ target: users.username })
        .returning(selfColumns)
      if (user) return user
    }
    throw refuse('USERNAME_TAKEN')
  }

  private async setDisabled(tx: Queries, userId: string, disabledAt: SQL): Promise<Account> {
    const [account] = await tx
      .update(users)
      .set({ disabledAt, updatedAt: sql`now()` })
      .where(eq(users.id, userId))
      .returning(accountColumns)
    if (!account) throw refuse('USER_NOT_FOUND')
    return account
  }

  private openReset(tokenHash: string, now: string) {
    const { usedAt, expiresAt } = passwordResets
    return and(eq(passwordResets.tokenHash, tokenHash), isNull(usedAt), gt(expiresAt, now))
  }
}
