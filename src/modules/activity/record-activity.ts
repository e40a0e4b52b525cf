import { eq, sql } from 'drizzle-orm'
import { v7 } from 'uuid'
import type { Queries } from '../../db/database.js'
import { activities } from '../../db/schema/feed.js'
import { workspaces } from '../../db/schema/people.js'

export interface Happening {
  workspaceId: string
  /** Null when the system itself acted. */
  actorId: string | null
  /** `noun.past`: `task.created`, `member.removed`. */
  type: string
  projectId?: string
  taskId?: string
  channelId?: string
  /** The fields that changed, as they were and as they are. */
  before?: object
  after?: object
}

/**
 * Takes the next number of the workspace's activity, and with it the lock that orders all changes of
 * the workspace. First in every transaction that records activity: workspace, then project or
 * channel, then rows is the one lock order, so that no two transactions can wait for each other.
 */
export async function nextActivitySeq(tx: Queries, workspaceId: string): Promise<number> {
  const [workspace] = await tx
    .update(workspaces)
    .set({ lastSeq: sql`${workspaces.lastSeq} + 1` })
    .where(eq(workspaces.id, workspaceId))
    .returning({ seq: workspaces.lastSeq })
  if (!workspace) throw new Error(`Workspace ${workspaceId} vanished during a write`)
  return workspace.seq
}

/**
 * Takes the same lock without a number: for a write that may find nothing to change.
 * @returns whether the workspace is still open
 */
export async function lockWorkspace(tx: Queries, workspaceId: string): Promise<boolean> {
  const [workspace] = await tx
    .select({ deletedAt: workspaces.deletedAt })
    .from(workspaces)
    .where(eq(workspaces.id, workspaceId))
    .for('no key update')
  return workspace?.deletedAt === null
}

/** Appends what happened under the number taken with `nextActivitySeq`. */
export async function recordActivity(tx: Queries, seq: number, happening: Happening): Promise<void> {
  await tx.insert(activities).values({ id: v7(), seq, ...happening })
}
