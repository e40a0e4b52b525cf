import { z } from 'zod'
import { role } from '../../../access/roles.js'
import { email, instant, noQuery, uuid } from '../../../fields.contract.js'
import { pageQuery } from '../../../pagination.js'
import { workspace } from '../workspaces.contract.js'

/** An invitation that nobody has accepted yet. Its token was shown once, to the inviter. */
export const invitation = z.object({
  id: uuid,
  email: z.string(),
  role,
  invitedBy: uuid,
  createdAt: instant,
  expiresAt: instant,
})
export type Invitation = z.infer<typeof invitation>

const workspaceParams = z.object({ workspaceId: uuid })

export const invite = {
  name: 'invite',
  params: workspaceParams,
  query: noQuery,
  body: z.strictObject({ email, role }),
  response: z.object({ invitationId: uuid, token: z.string(), expiresAt: instant }),
}
export const acceptInvitation = {
  name: 'acceptInvitation',
  query: noQuery,
  body: z.strictObject({ token: z.string().min(1).max(256) }),
  response: workspace,
}
export const listInvitations = {
  name: 'listInvitations',
  params: workspaceParams,
  query: pageQuery,
  response: z.array(invitation),
}
export const revokeInvitation = {
  name: 'revokeInvitation',
  params: z.object({ invitationId: uuid }),
  query: noQuery,
}
