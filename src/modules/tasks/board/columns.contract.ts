import { z } from 'zod'
import { line, noQuery, uuid } from '../../../fields.contract.js'

/** What a column means: a task there is waiting, under way, done or given up. */
export const statusGroups = ['backlog', 'unstarted', 'started', 'completed', 'cancelled'] as const

/** The most columns that a board may have. */
export const MOST_COLUMNS = 50

/** A column of a board; `key` is what the `status` of its tasks says. */
export const projectStatus = z.object({
  key: z.string(),
  name: z.string(),
  group: z.enum(statusGroups),
  position: z.int(),
  /** The most tasks that the column takes; null without a limit. */
  wipLimit: z.int().nullable(),
  /** The keys of the columns that its tasks may go to; null for any. */
  transitions: z.array(z.string()).nullable(),
})
export type ProjectStatus = z.infer<typeof projectStatus>

const projectParams = z.object({ projectId: uuid })
const statusKey = z
  .string()
  .max(50)
  .regex(/^[a-z0-9]+(_[a-z0-9]+)*$/, 'must be words of a–z and 0–9 joined by underscores')
const statusParams = projectParams.extend({ statusKey })

const fields = {
  name: line(50),
  /** Counted from 0 on the left. */
  position: z.int().min(0).max(MOST_COLUMNS),
  wipLimit: z.int().min(1).max(100_000).nullable(),
  transitions: z
    .array(statusKey)
    .max(MOST_COLUMNS)
    .transform(keys => [...new Set(keys)])
    .nullable(),
}

export const listStatuses = {
  name: 'listStatuses',
  params: projectParams,
  query: noQuery,
  response: z.array(projectStatus),
}
/** Without a position it is the last column. */
export const addStatus = {
  name: 'addStatus',
  params: projectParams,
  query: noQuery,
  body: z.strictObject({
    key: statusKey,
    name: fields.name,
    group: z.enum(statusGroups),
    position: fields.position.optional(),
    wipLimit: fields.wipLimit.default(null),
    transitions: fields.transitions.default(null),
  }),
  response: projectStatus,
}
/** The key and the group stay: to change what a column means, add another one and remove this one. */
export const updateStatus = {
  name: 'updateStatus',
  params: statusParams,
  query: noQuery,
  body: z
    .strictObject(fields)
    .partial()
    .refine(body => Object.keys(body).length > 0, 'must change something'),
  response: projectStatus,
}
/** Its tasks go to the end of the column `remapTo`. */
export const removeStatus = {
  name: 'removeStatus',
  params: statusParams,
  query: z.strictObject({ remapTo: statusKey }),
}
