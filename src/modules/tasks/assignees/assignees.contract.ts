import { z } from 'zod'
import { noQuery, uuid } from '../../../fields.contract.js'
import { assigneeIds, task, taskParams } from '../tasks.contract.js'

const assigneeParams = taskParams.extend({ userId: uuid })

/** The whole set, in place of the one before. */
export const setAssignees = {
  name: 'setAssignees',
  params: taskParams,
  query: noQuery,
  body: z.strictObject({ assigneeIds }),
  response: task,
}
export const assign = { name: 'assign', params: assigneeParams, query: noQuery, response: task }
export const unassign = { name: 'unassign', params: assigneeParams, query: noQuery }
