import { refuse } from '../../../errors.js'
import type { ProjectPlace } from './record-on-task.js'

/** Tasks of one project that are changed together, in the order in which they were named. */
export interface TaskSet extends ProjectPlace {
  ids: readonly string[]
  /** The field that names them, where it is one of the body. */
  path?: string
}

/**
 * What was found of each task of a set, in the order of the set.
 * @throws TASK_NOT_FOUND where anything of them is missing
 */
export function inOrder<T extends { id: string }>({ ids, path }: TaskSet, found: readonly T[]): T[] {
  const byId = new Map(found.map(one => [one.id, one]))
  const missing = ids.flatMap((id, index) => (byId.has(id) ? [] : index))
  if (missing.length === 0) return ids.flatMap(id => byId.get(id) ?? [])
  if (path === undefined) throw refuse('TASK_NOT_FOUND')
  const message = 'is no task of this project'
  throw refuse('TASK_NOT_FOUND', { errors: missing.map(index => ({ path: `${path}.${index}`, message })) })
}

/** What came of a set of one task. */
export function only<T>([one]: readonly T[]): T {
  if (one === undefined) throw refuse('TASK_NOT_FOUND')
  return one
}
