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

/** A set as it was and as it shall be. */
export interface ChangedIds {
  path: string
  before: readonly string[]
  after: readonly string[]
}

/** What is to be taken out of the set, and what put in. */
export function difference({ before, after }: ChangedIds): { gone: string[]; fresh: string[] } {
  return {
    gone: before.filter(id => !after.includes(id)),
    fresh: after.filter(id => !before.includes(id)),
  }
}
