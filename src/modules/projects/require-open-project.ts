import { and, eq, isNull } from 'drizzle-orm'
import type { Queries } from '../../db/database.js'
import { projects } from '../../db/schema/work.js'
import { refuse } from '../../errors.js'

/**
 * A project as it stands under the lock of its workspace, which whoever deletes it takes as well.
 * @throws PROJECT_NOT_FOUND when it was deleted meanwhile
 */
export async function requireOpenProject(tx: Queries, projectId: string) {
  const [found] = await tx
    .select({ name: projects.name, description: projects.description })
    .from(projects)
    .where(and(eq(projects.id, projectId), isNull(projects.deletedAt)))
  if (!found) throw refuse('PROJECT_NOT_FOUND')
  return found
}
