import { z } from 'zod'

/** The roles of a workspace, from the one that may least to the one that may most. */
export const roles = ['guest', 'member', 'admin', 'owner'] as const

export const role = z.enum(roles)
export type Role = z.infer<typeof role>

/** Whether `role` may all that `minimum` may. */
export function atLeast(role: Role, minimum: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(minimum)
}
