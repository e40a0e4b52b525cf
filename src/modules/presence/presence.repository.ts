import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, eq } from 'drizzle-orm'
import { workspaceIsOpen } from '../../access/visibility.js'
import { Database } from '../../db/database.js'
import { workspaceMembers, workspaces } from '../../db/schema/people.js'

@Repository()
export class PresenceRepository {
  @Autowired(Database) private db!: Database

  /** The workspaces that somebody belongs to. */
  async workspacesOf(userId: string): Promise<string[]> {
    const found = await this.db.query
      .select({ id: workspaces.id })
      .from(workspaceMembers)
      .innerJoin(workspaces, eq(workspaces.id, workspaceMembers.workspaceId))
      .where(and(eq(workspaceMembers.userId, userId), workspaceIsOpen))
    return found.map(({ id }) => id)
  }
}
