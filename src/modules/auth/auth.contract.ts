import { z } from 'zod'
import { email, instant, noQuery, person, prose, uuid } from '../../fields.contract.js'
import { pageQuery } from '../../pagination.js'
import { personName, self } from '../users/users.contract.js'

const password = prose(128).min(8)

/** Any opaque token as a client sends it. */
const token = z.string().min(1).max(256)

/** Who signed in, and his tokens with the moments they end. */
export const signedIn = z.object({
  user: self,
  accessToken: z.string(),
  accessTokenExpiresAt: instant,
  refreshToken: z.string(),
  refreshTokenExpiresAt: instant,
})
export type SignedIn = z.infer<typeof signedIn>

export const registration = z.strictObject({ email, password, firstName: personName, lastName: personName })
export type Registration = z.infer<typeof registration>

/** A sign-in is not told what passwords may be like. */
export const credentials = z.strictObject({ email, password: prose(128).min(1) })
export type Credentials = z.infer<typeof credentials>

/** A signed-in device, as its owner sees it. */
export const session = z.object({
  id: uuid,
  userAgent: z.string().nullable(),
  ip: z.string().nullable(),
  createdAt: instant,
  lastUsedAt: instant,
  expiresAt: instant,
  /** Whether this request belongs to it. */
  current: z.boolean(),
})
export type Session = z.infer<typeof session>

/** A user as those who run the server see him. */
export const account = person.extend({
  email: z.string(),
  isOperator: z.boolean(),
  disabledAt: instant.nullable(),
})
export type Account = z.infer<typeof account>

export const register = { name: 'register', query: noQuery, body: registration, response: signedIn }
export const login = { name: 'login', query: noQuery, body: credentials, response: signedIn }
export const refresh = {
  name: 'refresh',
  query: noQuery,
  body: z.strictObject({ refreshToken: token }),
  response: signedIn,
}
export const logout = { name: 'logout', query: noQuery, body: z.strictObject({ refreshToken: token }) }
export const logoutAll = { name: 'logoutAll', query: noQuery, body: z.strictObject({}) }
export const listSessions = { name: 'listSessions', query: pageQuery, response: z.array(session) }
export const revokeSession = {
  name: 'revokeSession',
  params: z.object({ sessionId: uuid }),
  query: noQuery,
}
export const forgotPassword = { name: 'forgotPassword', query: noQuery, body: z.strictObject({ email }) }
export const resetPassword = {
  name: 'resetPassword',
  query: noQuery,
  body: z.strictObject({ token, password }),
}
export const issueStreamTicket = {
  name: 'issueStreamTicket',
  query: noQuery,
  /** The path of a stream, with or without `/api/v1`, and nothing behind it. */
  body: z.strictObject({ path: z.string().min(1).max(512) }),
  response: z.object({ ticket: z.string(), expiresAt: instant }),
}
