import { type SQL, sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { taskOrders, tasks } from '../../db/schema/work.js'
import { priorities, type TaskSort } from './tasks.contract.js'

/** The columns that lists are sorted by, of a task as it is or as it was. */
type SortColumns = Record<'rank' | 'priority' | 'dueDate' | 'updatedAt', AnyPgColumn>

/** What a sort compares (just as its index has it), and how the database writes such a value. */
interface SortKey {
  of(columns: SortColumns): SQL
  type: SQL
  text: z.ZodType<string>
}

const instantText = /^-?infinity$|^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,3})?\+00$/
const timestamp = { type: sql`timestamptz`, text: z.string().regex(instantText) }

/** Each direction has an index of its own, in which undated tasks are last. */
const dueOr = (undated: 'infinity' | '-infinity'): SortKey => ({
  ...timestamp,
  of: ({ dueDate }) => sql`coalesce(${dueDate}, ${sql.raw(`'${undated}'`)})`,
})
const rank: SortKey = {
  of: columns => sql`${columns.rank}`,
  type: sql`text collate "C"`,
  text: z.string().regex(/^[0-9A-Za-z]+$/),
}
const made = sql`${tasks.createdAt}`
const createdAt: SortKey = { ...timestamp, of: () => made }
const updatedAt: SortKey = { ...timestamp, of: columns => sql`${columns.updatedAt}` }
const priority: SortKey = {
  of: columns => sql`${columns.priority}`,
  type: sql`priority`,
  text: z.enum(priorities),
}

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
  const [beyond, direction] = sort.startsWith('-') ? (['<', 'desc'] as const) : (['>', 'asc'] as const)
  return {
    text: key.text,
    /** What the order compares of a task as it is, and of one as it was; the same where it never changes. */
    now: key.of(tasks),
    was: key.of(taskOrders),
    /** `order by` a value and the id. */
    by: (value: SQL, id: SQL) => sql`${value} ${sql.raw(direction)}, ${id} ${sql.raw(direction)}`,
    /** Beyond a place, as one comparison of the pair that the index is sorted by. */
    beyond: (value: SQL, place: { value: string; id: string }) =>
      sql`(${value}, ${tasks.id}) ${sql.raw(beyond)} (${place.value}::${key.type}, ${place.id}::uuid)`,
  }
}
