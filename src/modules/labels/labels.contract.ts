import { z } from 'zod'
import { instant, line, noQuery, uuid } from '../../fields.contract.js'
import { pageQuery } from '../../pagination.js'

export const label = z.object({
  id: uuid,
  workspaceId: uuid,
  name: z.string(),
  /** `#rrggbb` in lower case. */
  color: z.string(),
  createdAt: instant,
  updatedAt: instant,
})
export type Label = z.infer<typeof label>

const workspaceParams = z.object({ workspaceId: uuid })
const labelParams = z.object({ labelId: uuid })
const name = line(50)
const color = z
  .string()
  .regex(/^#[0-9a-f]{6}$/i, 'must be #rrggbb')
  .toLowerCase()

/** The name is the only one of its kind in the workspace, whatever its case. */
export const createLabel = {
  name: 'createLabel',
  params: workspaceParams,
  query: noQuery,
  body: z.strictObject({ name, color }),
  response: label,
}
export const listLabels = {
  name: 'listLabels',
  params: workspaceParams,
  query: pageQuery,
  response: z.array(label),
}
export const updateLabel = {
  name: 'updateLabel',
  params: labelParams,
  query: noQuery,
  body: z
    .strictObject({ name, color })
    .partial()
    .refine(body => Object.keys(body).length > 0, 'must change something'),
  response: label,
}
export const deleteLabel = { name: 'deleteLabel', params: labelParams, query: noQuery }
