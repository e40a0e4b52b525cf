import { Autowired, Repository } from '@forinda/kickjs-core'
import { asc, eq, inArray, sql } from 'drizzle-orm'
import { Database } from '../../../db/database.js'
import { projectStatuses, tasks } from '../../../db/schema/work.js'
import { toPage } from '../../../pagination.js'
import { selectTasks } from '../task-row.js'
import { taskOrder } from '../task-sort.js'
import type { Task } from '../tasks.contract.js'
import { type Board, CARDS_PER_COLUMN } from './board.contract.js'

const order = taskOrder('rank')

@Repository()
export class BoardRepository {
  @Autowired(Database) private db!: Database

  /** The columns of a project and the first cards of each: two statements, however many there are. */
  async forProject(projectId: string): Promise<Board> {
    const { key, name, group, position, wipLimit } = projectStatuses
    const [columns, cards] = await Promise.all([
      this.db.query
        .select({ key, name, group, position, wipLimit })
        .from(projectStatuses)
        .where(eq(projectStatuses.projectId, projectId))
        .orderBy(asc(position)),
      this.firstCards(projectId),
    ])
    return { columns: columns.map(column => ({ ...column, ...firstPage(cards, column.key) })) }
  }

  /** One more of each column than it shows: it tells that there is a next page. */
  private firstCards(projectId: string): Promise<Task[]> {
    const ids = sql`(
      select first.id from ${projectStatuses} s cross join lateral (
        select t.id from ${tasks} t
        where t.project_id = s.project_id and t.status = s.key and t.deleted_at is null
        order by t.rank limit ${CARDS_PER_COLUMN + 1}
      ) first where s.project_id = ${projectId})`
    return selectTasks(this.db.query)
      .where(inArray(tasks.id, ids))
      .orderBy(...order.by)
  }
}

function firstPage(cards: readonly Task[], status: string) {
  const inColumn = cards.filter(card => card.status === status)
  const { items, meta } = toPage(inColumn, CARDS_PER_COLUMN, order.cursorOf)
  return { tasks: [...items], nextCursor: meta.nextCursor }
}
