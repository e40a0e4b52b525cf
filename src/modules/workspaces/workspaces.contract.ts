import { z } from 'zod'
import { role } from '../../access/roles.js'
import { instant, line, noQuery, uuid } from '../../fields.contract.js'
import { pageQuery } from '../../pagination.js'

/** A workspace as one of its members sees it: `role` is his own. */
export const workspace = z.object({
  id: uuid,
  name: z.string(),
  slug: z.string(),
  role,
  createdAt: instant,
  updatedAt: instant,
})
export type Workspace = z.infer<typeof workspace>

const workspaceParams = z.object({ workspaceId: uuid })
const name = line(100)
const slug = z
  .string()
  .min(2)
  .max(50)
  .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be words of a–z and 0–9 joined by hyphens')

export const createWorkspace = {
  name: 'createWorkspace',
  query: noQuery,
  /** Without a slug, one is made from the name. */
  body: z.strictObject({ name, slug: slug.optional() }),
  response: workspace,
}
export const listWorkspaces = {
  name: 'listWorkspaces',
  query: pageQuery,
  response: z.array(workspace),
}
export const getWorkspace = {
  name: 'getWorkspace',
  params: workspaceParams,
  query: noQuery,
  response: workspace,
}
export const updateWorkspace = {
  name: 'updateWorkspace',
  params: workspaceParams,
  query: noQuery,
  body: z
    .strictObject({ name, slug })
    .partial()
    .refine(body => Object.keys(body).length > 0, 'must change something'),
  response: workspace,
}
export const deleteWorkspace = { name: 'deleteWorkspace', params: workspaceParams, query: noQuery }
