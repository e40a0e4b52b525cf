import { and, asc, eq, inArray, isNull, sql } from 'drizzle-orm'
import type { Queries } from '../../db/database.js'
import { channels } from '../../db/schema/chat.js'
import { projects } from '../../db/schema/work.js'
import { refuse } from '../../errors.js'

// A channel belongs to no project that is deleted: both happen under the lock of the workspace.

/** @throws PROJECT_NOT_FOUND when the project was deleted meanwhile */
export async function requireLinkable(tx: Queries, projectId: string): Promise<void> {
  const isOpen = and(eq(projects.id, projectId), isNull(projects.deletedAt))
  const [found] = await tx.select({ id: projects.id }).from(projects).where(isOpen)
  if (!found) throw refuse('PROJECT_NOT_FOUND')
}

/**
 * Leaves the channels of a project that is being deleted without one. Their rows are locked in the
 * order of their ids, as sending messages does.
 * @returns their ids
 */
export async function unlinkChannels(tx: Queries, workspaceId: string, projectId: string): Promise<string[]> {
  const { id, deletedAt } = channels
  const ofProject = and(eq(channels.workspaceId, workspaceId), eq(channels.projectId, projectId))
  const linked = await tx
    .select({ id })
    .from(channels)
    .where(and(ofProject, isNull(deletedAt)))
    .orderBy(asc(id))
    .for('no key update')
  const ids = linked.map(channel => channel.id)
  const unlinked = { projectId: null, updatedAt: sql`now()` }
  if (ids.length > 0) await tx.update(channels).set(unlinked).where(inArray(id, ids))
  return ids
}
