import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, eq, isNull, sql } from 'drizzle-orm'
import { Database } from '../../../db/database.js'
import { tasks } from '../../../db/schema/work.js'
import { lockWorkspace } from '../../activity/record-activity.js'
import { respace } from './respace.js'

/** A card where others have crowded. */
export interface CrowdedCard {
  id: string
  workspaceId: string
  projectId: string
}

/** From this length on a rank tells that its place is crowded: half of what is ever given. */
export const CROWDED_RANK = 64

@Repository()
export class RanksRepository {
  @Autowired(Database) private db!: Database

  /**
   * Makes room around a card, unless somebody else has.
   * @returns the project's sequence after it; undefined where nothing was to do
   * @throws WORKSPACE_NOT_FOUND or PROJECT_NOT_FOUND when it was deleted meanwhile
   */
  makeRoom({ id, workspaceId, projectId }: CrowdedCard): Promise<number | undefined> {
    return this.db.write(async tx => {
      await lockWorkspace(tx, workspaceId)
      const { status, rank } = tasks
      const isCrowded = sql`length(${rank}) >= ${CROWDED_RANK}`
      const [card] = await tx
        .select({ status, rank })
        .from(tasks)
        .where(and(eq(tasks.id, id), isNull(tasks.deletedAt), isCrowded))
      return card && respace(tx, { projectId, status: card.status }, card.rank)
    })
  }
}
