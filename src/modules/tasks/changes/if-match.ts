/** Whether a task of this version is the one that the client means to change. */
export type Precondition = (version: number) => boolean

/** Means whatever version there is. */
export const anyVersion: Precondition = () => true

/**
 * What an `If-Match` header demands: nothing without one, or as `*`; else one of the versions it lists.
 * A tag that is no version of ours matches none.
 */
export function ifMatch(header: string | undefined): Precondition {
  if (header === undefined || header.trim() === '*') return anyVersion
  const versions = header.split(',').map(tag => /^(?:W\/)?"?(\d+)"?$/.exec(tag.trim())?.[1])
  return version => versions.includes(String(version))
}

/** The version as an entity tag. */
export function etag(version: number): string {
  return `"${version}"`
}
