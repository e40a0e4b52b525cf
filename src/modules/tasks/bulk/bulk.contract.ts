import { z } from 'zod'
import { noQuery, uuid } from '../../../fields.contract.js'
import { createTask, task, taskFields } from '../tasks.contract.js'

/** The most tasks that one request makes, changes or deletes. */
export const MOST_AT_ONCE = 100

const taskIds = z
  .array(uuid)
  .min(1)
  .max(MOST_AT_ONCE)
  .refine(ids => new Set(ids).size === ids.length, 'must not name a task twice')

/** What many tasks may have in common: all but their texts. */
const { title: _, description: __, ...common } = taskFields
const update = z
  .strictObject(common)
  .partial()
  .refine(fields => Object.keys(fields).length > 0, 'must change something')
export type CommonFields = z.output<typeof update>

/** Makes tasks, changes them alike, or deletes them, by which of the three bodies is sent. */
export const changeTasks = {
  name: 'changeTasks',
  params: createTask.params,
  query: noQuery,
  body: z.union([
    z.strictObject({ tasks: z.array(createTask.body).min(1).max(MOST_AT_ONCE) }),
    z.strictObject({ taskIds, update }),
    z.strictObject({ taskIds, delete: z.literal(true) }),
  ]),
  /** Of a deletion how many tasks are gone: with those below the ones that were named. */
  response: z.union([z.array(task), z.object({ deleted: z.int() })]),
}
