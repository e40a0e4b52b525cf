import { Autowired, Repository } from '@forinda/kickjs-core'
import { asc, inArray, sql } from 'drizzle-orm'
import { Database } from '../../../db/database.js'
import { literal } from '../../../db/dialect.js'
import { projectStatuses, tasks } from '../../../db/schema/work.js'
import { toPage } from '../../../pagination.js'
import { selectTasks } from '../task-row.js'
import { taskWalk } from '../task-walk.js'
import type { Task } from '../tasks.contract.js'
import { type Board, CARDS_PER_COLUMN } from './board.contract.js'
import { columnsOf } from './columns.js'

interface ShownProject {
  id: string
  /** The project's sequence, read before the board. */
  lastSeq: number
}

@Repository()
export class BoardRepository {
  @Autowired(Database) private db!: Database

  /** The columns of a project and the first cards of each: two statements, however many there are. */
  async forProject({ id: projectId, lastSeq }: ShownProject): Promise<Board> {
    const [columns, cards] = await Promise.all([
      columnsOf(this.db.query, projectId),
      this.firstCards(projectId),
    ])
    const { cursorOf } = taskWalk('rank', undefined, lastSeq, Date.now())
    const firstPage = (status: string) => {
      const inColumn = cards.filter(card => card.status === status)
      const page = toPage(inColumn, CARDS_PER_COLUMN, ({ id, rank }) => cursorOf({ id, text: rank }))
      return { tasks: [...page.items], nextCursor: page.meta.nextCursor }
    }
    return { columns: columns.map(column => ({ ...column, ...firstPage(column.key) })) }
  }

  /** One more of each column than it shows: it tells that there is a next page. */
  private firstCards(projectId: string): Promise<Task[]> {
    const ids = sql`(
      select first.id from ${projectStatuses} s cross join lateral (
        select t.id from ${tasks} t
        where t.project_id = s.project_id and t.status = s.key and t.deleted_at is null
        order by t.rank limit ${literal(CARDS_PER_COLUMN + 1)}
      ) first where s.project_id = ${projectId})`
    return selectTasks(this.db.query).where(inArray(tasks.id, ids)).orderBy(asc(tasks.rank), asc(tasks.id))
  }
}
