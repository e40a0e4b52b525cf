import { z } from 'zod'
import {
  content,
  instant,
  instantInput,
  line,
  noQuery,
  person,
  prose,
  queryList,
  seq,
  uuid,
} from '../../fields.contract.js'
import { countedPageQuery } from '../../pagination.js'
import { type Changes, changesOf, changesQuery } from '../../realtime/changes.contract.js'

/** From the least to the most urgent: the order of `sort=priority`. */
export const priorities = ['none', 'low', 'medium', 'high', 'critical'] as const

/** The most people that one task may be assigned to. */
export const MOST_ASSIGNEES = 50

/** The most labels that one task may carry. */
export const MOST_LABELS = 50

export const task = z.object({
  id: uuid,
  key: z.string(),
  projectId: uuid,
  workspaceId: uuid,
  title: z.string(),
  description: z.string(),
  status: z.string(),
  priority: z.enum(priorities),
  assignees: z.array(person),
  labels: z.array(z.object({ id: uuid, name: z.string(), color: z.string() })),
  reporterId: uuid,
  parentTaskId: uuid.nullable(),
  dueDate: instant.nullable(),
  estimatePoints: z.int().nullable(),
  rank: z.string(),
  commentCount: z.int(),
  attachmentCount: z.int(),
  version: z.int(),
  seq,
  createdAt: instant,
  updatedAt: instant,
  startedAt: instant.nullable(),
  completedAt: instant.nullable(),
})
export type Task = z.infer<typeof task>

/** A task as a list of changes has it: a deleted one stays as a tombstone without its texts. */
export const changedTask = task.extend({ deletedAt: instant.nullable() })
export type ChangedTask = z.infer<typeof changedTask>

/** What changed in a project since a sequence number. */
export const projectChanges = changesOf(changedTask)
export type ProjectChanges = Changes<ChangedTask>

const projectParams = z.object({ projectId: uuid })
export const taskParams = z.object({ taskId: uuid })

const status = line(50)
const priority = z.enum(priorities)
const idSet = (most: number) =>
  z
    .array(uuid)
    .max(most)
    .transform(ids => [...new Set(ids)])
export const assigneeIds = idSet(MOST_ASSIGNEES)
const labelIds = idSet(MOST_LABELS)

/** What a client may say of a task. */
export const taskFields = {
  title: line(500),
  description: prose(50_000),
  status,
  priority,
  parentTaskId: uuid.nullable(),
  dueDate: instantInput.nullable(),
  estimatePoints: z.int().min(0).max(10_000).nullable(),
  assigneeIds,
  labelIds,
}

/** Each sort both ways; undated tasks come last in both, priorities run from `none` to `critical`. */
export const taskSorts = [
  'rank',
  '-rank',
  'createdAt',
  '-createdAt',
  'updatedAt',
  '-updatedAt',
  'dueDate',
  '-dueDate',
  'priority',
  '-priority',
] as const
export type TaskSort = (typeof taskSorts)[number]

/** All filters must hold. `dueAfter` is included in the span it opens, `dueBefore` is not, so that days tile. */
export const taskFilter = z.strictObject({
  status: queryList(status).optional(),
  priority: queryList(priority).optional(),
  assigneeId: z.union([z.literal('me'), uuid], 'must be a UUID or me').optional(),
  labelId: uuid.optional(),
  parentTaskId: z.union([z.literal('none'), uuid], 'must be a UUID or none').optional(),
  dueBefore: instantInput.optional(),
  dueAfter: instantInput.optional(),
  /** Beginnings of words in the title or description, or the key of one task. */
  q: content(200).optional(),
})
export type TaskFilter = z.output<typeof taskFilter>

export const createTask = {
  name: 'createTask',
  params: projectParams,
  query: noQuery,
  body: z.strictObject({
    title: taskFields.title,
    description: taskFields.description.default(''),
    /** Without one: the project's first column of the group `unstarted`. */
    status: status.optional(),
    priority: priority.default('none'),
    parentTaskId: taskFields.parentTaskId.default(null),
    dueDate: taskFields.dueDate.default(null),
    estimatePoints: taskFields.estimatePoints.default(null),
    assigneeIds: assigneeIds.default([]),
    labelIds: labelIds.default([]),
  }),
  response: task,
}
export const listTasks = {
  name: 'listTasks',
  params: projectParams,
  query: countedPageQuery.extend(taskFilter.shape).extend({ sort: z.enum(taskSorts).default('createdAt') }),
  response: z.array(task),
}
export const listSubtasks = {
  name: 'listSubtasks',
  params: taskParams,
  query: countedPageQuery,
  response: z.array(task),
}
export const getTask = { name: 'getTask', params: taskParams, query: noQuery, response: task }
export const updateTask = {
  name: 'updateTask',
  params: taskParams,
  query: noQuery,
  body: z
    .strictObject(taskFields)
    .partial()
    .refine(body => Object.keys(body).length > 0, 'must change something'),
  response: task,
}
export const setTaskStatus = {
  name: 'setTaskStatus',
  params: taskParams,
  query: noQuery,
  body: z.strictObject({ status }),
  response: task,
}
/** A status alone is the end of that column. */
export const reorderTask = {
  name: 'reorderTask',
  params: taskParams,
  query: noQuery,
  body: z
    .strictObject({ status, before: uuid, after: uuid })
    .partial()
    .refine(
      ({ before, after }) => before === undefined || after === undefined,
      'takes before or after, not both',
    )
    .refine(body => Object.keys(body).length > 0, 'must say where: status, before or after'),
  response: task,
}
export const deleteTask = { name: 'deleteTask', params: taskParams, query: noQuery }
export const listProjectChanges = {
  name: 'listProjectChanges',
  params: projectParams,
  query: changesQuery,
  response: projectChanges,
}
