import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, eq, sql } from 'drizzle-orm'
import { workspaceIsOpen } from '../../access/visibility.js'
import { Database } from '../../db/database.js'
import { nodePresence, nodes } from '../../db/schema/cluster.js'
import { workspaceMembers, workspaces } from '../../db/schema/people.js'
import type { Present, Visitor } from './presence.contract.js'

/** Who came to a node and who went from it. */
export interface PresenceChange {
  came: readonly Visitor[]
  went: readonly string[]
}

/** How often the rows of a node have changed since it took its lease. */
export interface Standing {
  startedAt: string
  version: number
}

const standing = { startedAt: nodes.startedAt, version: nodes.presenceVersion }
const workspacesOfSome = sql`array(
  select ${workspaces.id} from ${workspaceMembers}
  join ${workspaces} on ${workspaces.id} = ${workspaceMembers.workspaceId}
  where ${workspaceMembers.userId} = ${nodePresence.userId} and ${workspaceIsOpen})`

@Repository()
export class PresenceRepository {
  @Autowired(Database) private db!: Database

  /** Stores who came to a node and went from it; gives what that makes of it, undefined if it holds no lease. */
  publish(nodeId: string, { came, went }: PresenceChange): Promise<Standing | undefined> {
    return this.db.write(async tx => {
      const [stepped] = await tx
        .update(nodes)
        .set({ presenceVersion: sql`${nodes.presenceVersion} + 1` })
        .where(eq(nodes.id, nodeId))
        .returning(standing)
      if (!stepped) return undefined
      if (went.length > 0) {
        await tx
          .delete(nodePresence)
          .where(
            and(
              eq(nodePresence.nodeId, nodeId),
              sql`${nodePresence.userId} = any(${sql.param(went)}::uuid[])`,
            ),
          )
      }
      if (came.length > 0) {
        await tx
          .insert(nodePresence)
          .select(sql`select ${nodeId}::uuid, * from unnest(${sql.param(came.map(({ userId }) => userId))}::uuid[],
            ${sql.param(came.map(({ userName }) => userName))}::text[])`)
          .onConflictDoNothing()
      }
      return stepped
    })
  }

  /** Who is at a node, and as of which version; undefined if it holds no lease. */
  async atNode(nodeId: string): Promise<(Standing & { present: Present[] }) | undefined> {
    const rows = await this.db.query
      .select({
        ...standing,
        userId: nodePresence.userId,
        userName: nodePresence.userName,
        workspaceIds: sql<string[]>`${workspacesOfSome}`,
      })
      .from(nodes)
      .leftJoin(nodePresence, eq(nodePresence.nodeId, nodes.id))
      .where(eq(nodes.id, nodeId))
    const [first] = rows
    if (!first) return undefined
    const present = rows.flatMap(({ userId, userName, workspaceIds }) =>
      userId === null || userName === null ? [] : { userId, userName, workspaceIds },
    )
    return { startedAt: first.startedAt, version: first.version, present }
  }
}
