import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, eq, gt, lt, ne, sql } from 'drizzle-orm'
import { Database } from '../db/database.js'
import { nodes } from '../db/schema/cluster.js'

export interface NodeIdentity {
  id: string
  name: string
  secretFingerprint: string
}

/** A node as the others see it. */
export interface LeasedNode {
  id: string
  name: string
  /** When it took its lease: another time for each lease. */
  startedAt: string
  presenceVersion: number
}

/** The leases by which nodes know of each other. All by the clock of the database: the nodes' own may differ. */
@Repository()
export class LeasesRepository {
  @Autowired(Database) private db!: Database

  /** Takes or prolongs a node's lease. */
  async hold(node: NodeIdentity, leaseMs: number): Promise<void> {
    const leaseUntil = sql`now() + ${leaseMs} * interval '1 millisecond'`
    await this.db.query
      .insert(nodes)
      .values({ ...node, leaseUntil })
      .onConflictDoUpdate({ target: nodes.id, set: { leaseUntil } })
  }

  /** Ends the leases whose time is over, with all that is stored of their nodes. */
  async expire(): Promise<void> {
    await this.db.query.delete(nodes).where(lt(nodes.leaseUntil, sql`now()`))
  }

  /** Those whose lease holds. */
  live(): Promise<LeasedNode[]> {
    const { id, name, startedAt, presenceVersion, leaseUntil } = nodes
    return this.db.query
      .select({ id, name, startedAt, presenceVersion })
      .from(nodes)
      .where(gt(leaseUntil, sql`now()`))
  }

  /** The names of live nodes whose tokens others would not believe. */
  async strangers(secretFingerprint: string): Promise<string[]> {
    const found = await this.db.query
      .select({ name: nodes.name })
      .from(nodes)
      .where(and(gt(nodes.leaseUntil, sql`now()`), ne(nodes.secretFingerprint, secretFingerprint)))
    return found.map(({ name }) => name)
  }

  async release(nodeId: string): Promise<void> {
    await this.db.query.delete(nodes).where(eq(nodes.id, nodeId))
  }
}
