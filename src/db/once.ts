/**
 * What `make` gives, made when it is first asked for. A statement of a hot path is built like this: its text costs
 * more than sending it, and where its class is made the database is not there yet.
 */
export function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
