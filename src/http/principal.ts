/** Who is asking, as the access token and its live session say. */
export interface Principal {
  id: string
  email: string
  username: string
  /** First and last name. */
  name: string
  sessionId: string
  /** When the credential he came with ends, in milliseconds since 1970. */
  expiresAt: number
}

declare module '@forinda/kickjs-core' {
  interface ContextUser extends Principal {}
}
