import { z } from 'zod'
import { instant, line, noQuery, prose, seq, uuid } from '../../fields.contract.js'
import { pageQuery } from '../../pagination.js'
import { projectStatus } from '../tasks/board/columns.contract.js'

export const project = z.object({
  id: uuid,
  workspaceId: uuid,
  name: z.string(),
  key: z.string(),
  description: z.string(),
  /** In the order of the board. */
  statuses: z.array(projectStatus),
  createdBy: uuid,
  /** Grows by one with every change of a task. */
  lastSeq: seq,
  createdAt: instant,
  updatedAt: instant,
})
export type Project = z.infer<typeof project>

const workspaceParams = z.object({ workspaceId: uuid })
const projectParams = z.object({ projectId: uuid })
const name = line(100)
const description = prose(10_000)

export const createProject = {
  name: 'createProject',
  params: workspaceParams,
  query: noQuery,
  body: z.strictObject({
    name,
    key: z.string().regex(/^[A-Z][A-Z0-9]{1,9}$/, 'must be 2 to 10 of A–Z and 0–9, the first one a letter'),
    description: description.default(''),
  }),
  response: project,
}
export const listProjects = {
  name: 'listProjects',
  params: workspaceParams,
  query: pageQuery,
  response: z.array(project),
}
export const getProject = { name: 'getProject', params: projectParams, query: noQuery, response: project }
/** The key stays: it is in the keys of the tasks, and those are in people's links and commits. */
export const updateProject = {
  name: 'updateProject',
  params: projectParams,
  query: noQuery,
  body: z
    .strictObject({ name, description })
    .partial()
    .refine(body => Object.keys(body).length > 0, 'must change something'),
  response: project,
}
export const deleteProject = { name: 'deleteProject', params: projectParams, query: noQuery }
