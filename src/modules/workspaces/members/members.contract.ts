import { z } from 'zod'
import { role } from '../../../access/roles.js'
import { instant, noQuery, person, uuid } from '../../../fields.contract.js'
import { pageQuery } from '../../../pagination.js'

export const member = z.object({ userId: uuid, user: person, role, joinedAt: instant })
export type Member = z.infer<typeof member>

const workspaceParams = z.object({ workspaceId: uuid })
const memberParams = workspaceParams.extend({ userId: uuid })

export const listMembers = {
  name: 'listMembers',
  params: workspaceParams,
  query: pageQuery,
  response: z.array(member),
}
export const changeMemberRole = {
  name: 'changeMemberRole',
  params: memberParams,
  query: noQuery,
  body: z.strictObject({ role }),
  response: member,
}
export const removeMember = { name: 'removeMember', params: memberParams, query: noQuery }
export const leaveWorkspace = {
  name: 'leaveWorkspace',
  params: workspaceParams,
  query: noQuery,
  body: z.strictObject({}),
}
