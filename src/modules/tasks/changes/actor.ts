import type { RequestContext } from '@forinda/kickjs-http'
import type { Asker } from '../../../access/asker.js'
import { invalid } from '../../../errors.js'

/** Who changes something, and what the client through which he does calls itself. */
export interface Actor extends Asker {
  origin?: string
}

/**
 * Whoever makes the request. Its header `X-Origin-Id` comes back with the live events of the change, so
 * that the client knows them for its own.
 */
export function actorOf({ user, headers }: Pick<RequestContext, 'user' | 'headers'>): Actor {
  const origin = headers['x-origin-id']
  if (origin === undefined) return { id: user.id }
  if (typeof origin !== 'string' || !/^[\x21-\x7e]{1,64}$/.test(origin))
    throw invalid('headers.x-origin-id', 'must be 1 to 64 visible ASCII characters')
  return { id: user.id, origin }
}

/** What the live events of a change say of the client that made it. */
export function originOf({ origin }: Actor): { origin?: string } {
  return origin === undefined ? {} : { origin }
}
