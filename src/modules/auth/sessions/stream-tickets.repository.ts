import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, eq, gt, inArray } from 'drizzle-orm'
import { Database } from '../../../db/database.js'
import { removeExpired } from '../../../db/remove-expired.js'
import { streamTickets } from '../../../db/schema/people.js'

@Repository()
export class StreamTicketsRepository {
  @Autowired(Database) private db!: Database

  async add(ticket: {
    tokenHash: string
    sessionId: string
    path: string
    expiresAt: string
  }): Promise<void> {
    await this.db.write(tx => tx.insert(streamTickets).values(ticket))
  }

  /** The session of a ticket that is valid for the path. */
  async sessionOf(tokenHash: string, path: string, now: string): Promise<string | undefined> {
    const [ticket] = await this.db.query
      .select({ sessionId: streamTickets.sessionId })
      .from(streamTickets)
      .where(
        and(
          eq(streamTickets.tokenHash, tokenHash),
          eq(streamTickets.path, path),
          gt(streamTickets.expiresAt, now),
        ),
      )
    return ticket?.sessionId
  }

  async prolong(tokenHashes: string[], expiresAt: string): Promise<void> {
    await this.db.write(tx =>
      tx.update(streamTickets).set({ expiresAt }).where(inArray(streamTickets.tokenHash, tokenHashes)),
    )
  }

  removeExpired(now: string): Promise<void> {
    return removeExpired(this.db, streamTickets, now)
  }
}
