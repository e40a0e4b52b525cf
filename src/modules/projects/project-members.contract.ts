import { z } from 'zod'
import { role } from '../../access/roles.js'
import { instant, noQuery, person, uuid } from '../../fields.contract.js'
import { pageQuery } from '../../pagination.js'

/** Somebody who was added to a project. Only guests need it: everybody else sees all projects. */
export const projectMember = z.object({ userId: uuid, user: person, role, addedAt: instant })
export type ProjectMember = z.infer<typeof projectMember>

const projectParams = z.object({ projectId: uuid })
const memberParams = projectParams.extend({ userId: uuid })

export const listProjectMembers = {
  name: 'listProjectMembers',
  params: projectParams,
  query: pageQuery,
  response: z.array(projectMember),
}
export const addProjectMember = {
  name: 'addProjectMember',
  params: memberParams,
  query: noQuery,
  response: projectMember,
}
export const removeProjectMember = { name: 'removeProjectMember', params: memberParams, query: noQuery }
