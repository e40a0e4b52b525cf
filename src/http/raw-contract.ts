import type { RouteSchemas } from '@forinda/kickjs-core'

/** A route that answers with something of its own, outside the envelope of the API. */
export interface RawContract extends RouteSchemas {
  /** The media type of its answer. */
  produces: string
  /** The statuses that answer so; 200 alone unless given. */
  statuses?: readonly number[]
}

export function isRaw(schemas: RouteSchemas): schemas is RawContract {
  return 'produces' in schemas
}
