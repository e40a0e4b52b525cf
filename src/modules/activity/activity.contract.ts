import { z } from 'zod'
import { instant, person, seq, uuid } from '../../fields.contract.js'
import { pageQuery } from '../../pagination.js'
import { resumeQuery } from '../../realtime/changes.contract.js'

const fields = z.record(z.string(), z.unknown()).nullable()

/** Who did what. `before` and `after` hold what changed, as it was and as it became. */
export const activity = z.object({
  id: uuid,
  /** The workspace's sequence: grows with each activity. */
  seq,
  workspaceId: uuid,
  /** `noun.past`, such as `task.moved`. */
  type: z.string(),
  /** Null where the system itself acted. */
  actor: person.nullable(),
  projectId: uuid.nullable(),
  taskId: uuid.nullable(),
  channelId: uuid.nullable(),
  before: fields,
  after: fields,
  createdAt: instant,
})
export type Activity = z.infer<typeof activity>

const inWorkspace = z.object({ workspaceId: uuid })
const response = z.array(activity)

export const listWorkspaceActivity = {
  name: 'listWorkspaceActivity',
  params: inWorkspace,
  query: pageQuery,
  response,
}
export const listProjectActivity = {
  name: 'listProjectActivity',
  params: z.object({ projectId: uuid }),
  query: pageQuery,
  response,
}
export const listTaskActivity = {
  name: 'listTaskActivity',
  params: z.object({ taskId: uuid }),
  query: pageQuery,
  response,
}

/** Events: `activity` for each one since, `ready` when all that was missed is told, `reset` when it is too much. */
export const watchActivity = {
  name: 'watchActivity',
  params: inWorkspace,
  query: resumeQuery,
  response: activity,
}
