import { and, eq, sql } from 'drizzle-orm'
import { v7 } from 'uuid'
import { workspaceIsOpen } from '../../access/visibility.js'
import type { Queries } from '../../db/database.js'
import { activities } from '../../db/schema/feed.js'
import { workspaces } from '../../db/schema/people.js'
import { refuse } from '../../errors.js'

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

interface Recorded {
  workspaceId: string
  seq: number
}

/** By transaction: one that is rolled back, to be run again or not, leaves nothing behind. */
const recorded = new WeakMap<Queries, readonly Recorded[]>()

/**
 * Takes the next number of the workspace's activity, or the next few, and with them the lock that orders all
 * changes of the workspace. First in every transaction that records activity: workspace, then project or
 * channel, then rows is the one lock order, so that no two transactions can wait for each other.
 * @returns the last of the numbers
 * @throws WORKSPACE_NOT_FOUND when it was deleted meanwhile
 */
export async function nextActivitySeq(tx: Queries, workspaceId: string, count = 1): Promise<number> {
  const [workspace] = await tx
    .update(workspaces)
    .set({ lastSeq: sql`${workspaces.lastSeq} + ${count}` })
    .where(and(eq(workspaces.id, workspaceId), workspaceIsOpen))
    .returning({ seq: workspaces.lastSeq })
  if (!workspace) throw refuse('WORKSPACE_NOT_FOUND')
  return workspace.seq
}

/**
 * Takes the same lock without a number: for a write that may find nothing to change.
 * @throws WORKSPACE_NOT_FOUND when it was deleted meanwhile
 */
export async function lockWorkspace(tx: Queries, workspaceId: string): Promise<void> {
  const [workspace] = await tx
    .select({ id: workspaces.id })
    .from(workspaces)
    .where(and(eq(workspaces.id, workspaceId), workspaceIsOpen))
    .for('no key update')
  if (!workspace) throw refuse('WORKSPACE_NOT_FOUND')
}

/** Appends what happened under the number taken with `nextActivitySeq`. */
export function recordActivity(tx: Queries, seq: number, happening: Happening): Promise<void> {
  return recordActivities(tx, seq, [happening])
}

/** The same of several things that happened in one workspace: the last of them under the number given. */
export async function recordActivities(
  tx: Queries,
  lastSeq: number,
  happenings: readonly Happening[],
): Promise<void> {
  const last = happenings.at(-1)
  if (!last) return
  const first = lastSeq - happenings.length + 1
  const rows = happenings.map((happening, index) => ({ id: v7(), seq: first + index, ...happening }))
  await tx.insert(activities).values(rows)
  recorded.set(tx, [...recordedIn(tx), { workspaceId: last.workspaceId, seq: lastSeq }])
}

/** The same under the next number: for a write that has the workspace's lock already. */
export async function recordNextActivity(tx: Queries, happening: Happening): Promise<void> {
  await recordActivity(tx, await nextActivitySeq(tx, happening.workspaceId), happening)
}

/** How far a transaction has brought the activity of workspaces, to be announced once it is committed. */
export function recordedIn(tx: Queries): readonly Recorded[] {
  return recorded.get(tx) ?? []
}
