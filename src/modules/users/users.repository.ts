import { Autowired, Repository } from '@forinda/kickjs-core'
import { eq, sql } from 'drizzle-orm'
import { Database, violatedConstraint } from '../../db/database.js'
import { once } from '../../db/once.js'
import { users } from '../../db/schema/people.js'
import { refuse } from '../../errors.js'
import { selfColumns } from './self-columns.js'
import type { Profile, Self } from './users.contract.js'

@Repository()
export class UsersRepository {
  @Autowired(Database) private db!: Database
  private readonly self = once(() =>
    this.db.query
      .select(selfColumns)
      .from(users)
      .where(eq(users.id, sql.placeholder('id')))
      .prepare('user_by_id'),
  )

  async byId(userId: string): Promise<Self | undefined> {
    const [user] = await this.self().execute({ id: userId })
    return user
  }

  /** Errors: USERNAME_TAKEN. */
  async update(userId: string, profile: Profile): Promise<Self> {
    const changes = { ...profile, updatedAt: sql`now()` }
    const updated = this.db.write(tx =>
      tx.update(users).set(changes).where(eq(users.id, userId)).returning(selfColumns),
    )
    const [user] = await updated.catch(error => {
      throw violatedConstraint(error) === 'users_username_index' ? refuse('USERNAME_TAKEN') : error
    })
    if (!user) throw refuse('USER_NOT_FOUND')
    return user
  }
}
