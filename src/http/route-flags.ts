import { methodFlag } from '@forinda/kickjs-core'

const isPublic = methodFlag<true>('public')
const isStream = methodFlag<true>('stream')

/** Open to everybody: every route and socket event without it needs a user. */
export const Public = Object.assign(() => isPublic(true), { of: isPublic.of })

/** A stream of server-sent events, which a ticket may open beside the header and the cookie. */
export const Stream = Object.assign(() => isStream(true), { of: isStream.of })
