import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, eq, gte, inArray, isNull, lt, or, sql } from 'drizzle-orm'
import { Database } from '../../db/database.js'
import { attachments } from '../../db/schema/attachments.js'
import { workspaces } from '../../db/schema/people.js'
import { projects, tasks } from '../../db/schema/work.js'

/** What the sweep asks of the rows, for the keys that begin with two digits at a time. */
@Repository()
export class SweepRepository {
  @Autowired(Database) private db!: Database

  /** Lets go of the attachments whose task, project or workspace was deleted before that moment. */
  async release(prefix: string, before: string): Promise<void> {
    const isGone = or(
      lt(tasks.deletedAt, before),
      lt(projects.deletedAt, before),
      lt(workspaces.deletedAt, before),
    )
    const abandoned = this.db.query
      .select({ id: attachments.id })
      .from(attachments)
      .innerJoin(tasks, eq(tasks.id, attachments.taskId))
      .innerJoin(projects, eq(projects.id, tasks.projectId))
      .innerJoin(workspaces, eq(workspaces.id, attachments.workspaceId))
      .where(and(standsAt(prefix), isGone))
    await this.db.query
      .update(attachments)
      .set({ deletedAt: sql`now()` })
      .where(inArray(attachments.id, abandoned))
  }

  /** The attachments that stand. */
  standing(prefix: string) {
    const { id, storageKey, createdAt } = attachments
    return this.db.query.select({ id, storageKey, createdAt }).from(attachments).where(standsAt(prefix))
  }
}

/** No digit comes after `f`. */
function standsAt(prefix: string) {
  const { storageKey, deletedAt } = attachments
  return and(gte(storageKey, prefix), lt(storageKey, `${prefix}g`), isNull(deletedAt))
}
