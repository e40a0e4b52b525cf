import type { RequestContext } from '@forinda/kickjs-http'
import { parseCookie, type SetCookie, stringifySetCookie } from 'cookie'

/** The cookie in which a sign-in leaves the access token. */
export const ACCESS_COOKIE = 'vibed_access'

type Exchange = Pick<RequestContext, 'req' | 'res'>

/** The access token in the cookie that a sign-in has set. */
export function accessCookieOf({ req }: Exchange): string | undefined {
  const header = req.headers.cookie
  return header === undefined ? undefined : parseCookie(header)[ACCESS_COOKIE]
}

/** Leaves the access token with the browser, for as long as it is valid: `expiresAt` is ISO 8601. */
export function setAccessCookie(
  exchange: Exchange,
  token: string,
  expiresAt: string,
  now = Date.now(),
): void {
  const maxAge = Math.max(0, Math.floor((Date.parse(expiresAt) - now) / 1000))
  send(exchange, { name: ACCESS_COOKIE, value: token, maxAge })
}

export function clearAccessCookie(exchange: Exchange): void {
  send(exchange, { name: ACCESS_COOKIE, value: '', maxAge: 0 })
}

/** Out of reach of scripts and of other sites' forms. It opens GET requests only: see `authenticate.ts`. */
function send({ req, res }: Exchange, cookie: SetCookie): void {
  const attributes = { httpOnly: true, sameSite: 'lax', path: '/api/v1', secure: req.secure } as const
  res.append('Set-Cookie', stringifySetCookie({ ...cookie, ...attributes }))
}
