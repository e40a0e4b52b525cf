import { eq, sql } from 'drizzle-orm'
import type { Database } from './database.js'
import { users } from './schema/people.js'

/** Lets somebody run the server, or no more. Whether there is a user with this e-mail. */
export async function setOperator(database: Database, email: string, isOperator: boolean): Promise<boolean> {
  const changed = await database.write(tx =>
    tx
      .update(users)
      .set({ isOperator, updatedAt: sql`now()` })
      .where(eq(users.email, email))
      .returning({ id: users.id }),
  )
  return changed.length > 0
}
