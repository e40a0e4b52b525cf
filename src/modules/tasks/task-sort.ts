import { asc, desc, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { decodeCursor, encodeCursor } from '../../cursor.js'
import { tasks } from '../../db/schema/work.js'
import { instant, uuid } from '../../fields.contract.js'
import { priorities, type Task, type TaskSort } from './tasks.contract.js'

/** What a sort compares, as SQL (just as its index has it) and as the text that a cursor holds. */
interface SortKey {
  by: SQL
  of(task: Task): string
  value: z.ZodType<string>
}

const rank: SortKey = {
  by: sql`${tasks.rank}`,
  of: task => task.rank,
  value: z.string().regex(/^[0-9A-Za-z]+$/),
}
const createdAt: SortKey = { by: sql`${tasks.createdAt}`, of: task => task.createdAt, value: instant }
const updatedAt: SortKey = { by: sql`${tasks.updatedAt}`, of: task => task.updatedAt, value: instant }
const priority: SortKey = { by: sql`${tasks.priority}`, of: task => task.priority, value: z.enum(priorities) }
/** Each direction has an index of its own, in which undated tasks are last. */
const dueOr = (undated: 'infinity' | '-infinity'): SortKey => ({
  by: sql`coalesce(${tasks.dueDate}, ${sql.raw(`'${undated}'`)})`,
  of: task => task.dueDate ?? undated,
  value: z.union([instant, z.literal(undated)]),
})

const keys: Record<TaskSort, SortKey> = {
  rank,
  '-rank': rank,
  createdAt,
  '-createdAt': createdAt,
  updatedAt,
  '-updatedAt': updatedAt,
  dueDate: dueOr('infinity'),
  '-dueDate': dueOr('-infinity'),
  priority,
  '-priority': priority,
}

/** The order of a list by `sort`; equal values are in the order of their ids, so that no two rows tie. */
export function taskOrder(sort: TaskSort) {
  const key = keys[sort]
  const descending = sort.startsWith('-')
  const direction = descending ? desc : asc
  const beyond = sql.raw(descending ? '<' : '>')
  const name = `tasks ${sort}`
  return {
    by: [direction(key.by), direction(tasks.id)],
    cursorOf: (last: Task): string => encodeCursor(name, [key.of(last), last.id]),
    /** The rows after a cursor, as one comparison of the pair that the index is sorted by. */
    after(cursor: string): SQL {
      const [value, id] = decodeCursor(name, z.tuple([key.value, uuid]), cursor)
      return sql`(${key.by}, ${tasks.id}) ${beyond} (${value}, ${id})`
    },
  }
}
