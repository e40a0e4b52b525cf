import { and, type SQL, sql } from 'drizzle-orm'
import { z } from 'zod'
import { decodeCursor, encodeCursor } from '../../cursor.js'
import { literal } from '../../db/dialect.js'
import { taskOrders, tasks } from '../../db/schema/work.js'
import { refuse } from '../../errors.js'
import { seq, uuid } from '../../fields.contract.js'
import { taskOrder } from './task-sort.js'
import type { TaskSort } from './tasks.contract.js'

/** Less than the day for which replaced sort values are kept. */
const LONGEST_WALK_MS = 12 * 3_600_000

/** Where a walk is: the project's sequence when it began, when it is over, and the last row it met. */
interface Place {
  began: number
  ends: number
  value: string
  id: string
}

/**
 * A walk through a list in the order of the moment it began: a task that is changed meanwhile keeps its
 * place, so that a walk by any sort meets each earlier row exactly once. What did not change since is
 * read in the order of the index; what did is few, and stands where `task_orders` says it stood.
 *
 * @param lastSeq the project's sequence now: where a walk without a cursor begins
 * @throws INVALID_CURSOR for a cursor of another list, or of a walk that began long ago
 */
export function taskWalk(sort: TaskSort, cursor: string | undefined, lastSeq: number, now: number) {
  const order = taskOrder(sort)
  const name = `tasks ${sort}`
  const place = cursor === undefined ? undefined : placeOf(name, order.text, cursor, now)
  const began = place?.began ?? lastSeq
  const ends = place?.ends ?? now + LONGEST_WALK_MS

  /** When a task was made never changes: such a walk may also meet tasks that are made meanwhile. */
  const isFixed = order.now === order.was

  const branch = (
    from: SQL,
    value: SQL,
    condition: SQL | undefined,
    matching: SQL | undefined,
    limit: number,
  ) => sql`(
    select ${tasks.id} as id, ${value} as value from ${tasks} ${from}
    where ${and(matching, condition, place && order.beyond(value, place))}
    order by ${order.by(value, sql`${tasks.id}`)} limit ${literal(limit)})`

  return {
    /** The next rows of the walk as a table of `id`, `value` and `text` (of the value). */
    rows(matching: SQL | undefined, limit: number): SQL {
      if (isFixed)
        return sql`(select id, value, value::text as text from ${branch(sql``, order.now, undefined, matching, limit)} walk)`
      const unchanged = branch(sql``, order.now, sql`${tasks.seq} <= ${began}`, matching, limit)
      const before = sql`cross join lateral (
        select * from ${taskOrders} where ${taskOrders.taskId} = ${tasks.id} and ${taskOrders.seq} > ${began}
        order by ${taskOrders.seq} limit 1) ${taskOrders}`
      const changed = branch(before, order.was, sql`${tasks.seq} > ${began}`, matching, limit)
      return sql`(select id, value, value::text as text from (${unchanged} union all ${changed}) walk
        order by ${order.by(sql`value`, sql`id`)} limit ${literal(limit)})`
    },
    /** The order of `rows` once they are joined with their tasks. */
    by: order.by(sql`walk.value`, sql`walk.id`),
    cursorOf: (last: { id: string; text: string }) => encodeCursor(name, [began, ends, last.text, last.id]),
  }
}

function placeOf(name: string, text: z.ZodType<string>, cursor: string, now: number): Place {
  const [began, ends, value, id] = decodeCursor(name, z.tuple([seq, z.int(), text, uuid]), cursor)
  if (ends < now) throw refuse('INVALID_CURSOR', { message: 'This walk began too long ago: begin again' })
  return { began, ends, value, id }
}
