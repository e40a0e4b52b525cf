import { isDeepStrictEqual } from 'node:util'

export interface ChangedFields<T> {
  before: Partial<T>
  after: Partial<T>
}

/** What of `wanted` differs from `current`, as it was and as it shall be; undefined when nothing does. */
export function changedFields<T extends object>(
  current: T,
  wanted: { [Field in keyof T]?: T[Field] | undefined },
): ChangedFields<T> | undefined {
  const changed: ChangedFields<T> = { before: {}, after: {} }
  for (const field in current) {
    const value = wanted[field]
    if (value === undefined || isDeepStrictEqual(value, current[field])) continue
    changed.before[field] = current[field]
    changed.after[field] = value
  }
  return Object.keys(changed.after).length > 0 ? changed : undefined
}
