import type { FieldError } from '@forinda/kickjs-core'
import { type SQL, sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'

/** A change of a set of ids, from those that are in it to those that shall be. `path` is the field it came in. */
export interface IdSetChange {
  path: string
  next(now: readonly string[]): readonly string[]
}

/** The whole set, in place of the one before. */
export function setTo(path: string, ids: readonly string[]): IdSetChange {
  return { path, next: () => ids }
}

/** The set with one id more, or as it is where it has it. */
export function including(path: string, id: string): IdSetChange {
  return { path, next: now => [...now.filter(other => other !== id), id] }
}

/** The set without one id. */
export function excluding(path: string, id: string): IdSetChange {
  return { path, next: now => now.filter(other => other !== id) }
}

/** A task's set as it was and as it shall be. */
export interface ChangedIds {
  taskId: string
  path: string
  before: readonly string[]
  after: readonly string[]
}

/** An id in the set of a task. */
interface Pair {
  taskId: string
  id: string
  path: string
}

/** What is to be taken out of the sets of some tasks, and what put in. */
export function differences(changes: readonly ChangedIds[]): { gone: Pair[]; fresh: Pair[] } {
  const without = ({ taskId, path }: ChangedIds, ids: readonly string[], others: readonly string[]) =>
    ids.flatMap(id => (others.includes(id) ? [] : { taskId, id, path }))
  return {
    gone: changes.flatMap(change => without(change, change.before, change.after)),
    fresh: changes.flatMap(change => without(change, change.after, change.before)),
  }
}

/** Each id once. */
export function idsOf(pairs: readonly Pair[]): string[] {
  return [...new Set(pairs.map(({ id }) => id))]
}

/** What is wrong with each field that brought an id which is not among those known. */
export function unknownIn(pairs: readonly Pair[], known: ReadonlySet<string>, message: string): FieldError[] {
  const byPath = new Map<string, Set<string>>()
  for (const { id, path } of pairs)
    if (!known.has(id)) byPath.set(path, (byPath.get(path) ?? new Set()).add(id))
  return [...byPath].map(([path, ids]) => ({ path, message: `${message}: ${[...ids].join(', ')}` }))
}

/** The pairs as rows of a task's id and an id. */
export function pairRows(pairs: readonly Pair[]): SQL {
  return sql`unnest(${sql.param(pairs.map(({ taskId }) => taskId))}::uuid[], ${sql.param(pairs.map(({ id }) => id))}::uuid[])`
}

/** That a row is one of the pairs. */
export function isPair(taskId: AnyPgColumn, id: AnyPgColumn, pairs: readonly Pair[]): SQL {
  return sql`(${taskId}, ${id}) in (select * from ${pairRows(pairs)})`
}
