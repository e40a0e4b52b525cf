import { atLeast, type Role } from '../../../access/roles.js'
import { refuse } from '../../../errors.js'

/** Admins manage members up to their own role, so that only owners touch owners. */
export function manages(actor: Role | undefined, ...touched: Role[]): boolean {
  return actor !== undefined && atLeast(actor, 'admin') && touched.every(role => atLeast(actor, role))
}

/** @throws FORBIDDEN for whoever is no admin, ROLE_TOO_HIGH when one of `touched` is above the actor's role */
export function refuseRoleAbove(actor: Role | undefined, ...touched: Role[]): void {
  if (!manages(actor)) throw refuse('FORBIDDEN')
  if (!manages(actor, ...touched)) throw refuse('ROLE_TOO_HIGH')
}
