import { randomInt } from 'node:crypto'

/** A handle of 3–32 characters from the local part of an e-mail address in lower case. */
export function usernameFrom(email: string): string {
  const local = email.slice(0, email.lastIndexOf('@')).replace(/[^a-z0-9._-]+/g, '-')
  const name = local.slice(0, 32).replace(/^[.-]+|[.-]+$/g, '')
  if (name.length >= 3) return name
  return name === '' ? 'user' : `user-${name}`
}

/** The same handle with a number that makes it another one; longer numbers after some tries in vain. */
export function withNumber(username: string, attempt: number): string {
  return `${username.slice(0, 22)}-${randomInt(attempt < 5 ? 10_000 : 1_000_000_000)}`
}
