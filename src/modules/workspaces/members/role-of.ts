import { and, eq } from 'drizzle-orm'
import type { Role } from '../../../access/roles.js'
import type { Queries } from '../../../db/database.js'
import { workspaceMembers } from '../../../db/schema/people.js'

/** Somebody's role in a workspace, if he has one. Under the lock of the workspace it stays so. */
export async function roleOf(tx: Queries, workspaceId: string, userId: string): Promise<Role | undefined> {
  const [found] = await tx
    .select({ role: workspaceMembers.role })
    .from(workspaceMembers)
    .where(and(eq(workspaceMembers.workspaceId, workspaceId), eq(workspaceMembers.userId, userId)))
  return found?.role
}
