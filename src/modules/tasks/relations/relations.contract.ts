import { z } from 'zod'
import { instant, noQuery, uuid } from '../../../fields.contract.js'
import { pageQuery } from '../../../pagination.js'
import { taskParams } from '../tasks.contract.js'

/** What a task is to another one, as seen from it. */
export const relationKind = z.enum(['blocks', 'blockedBy', 'relates', 'duplicates', 'duplicatedBy'])
export type RelationKind = z.infer<typeof relationKind>

/** A relation as one of its two tasks has it, with the other one in short. */
export const relation = z.object({
  kind: relationKind,
  task: z.object({ id: uuid, projectId: uuid, key: z.string(), title: z.string(), status: z.string() }),
  createdAt: instant,
})
export type Relation = z.infer<typeof relation>

export const listRelations = {
  name: 'listRelations',
  params: taskParams,
  query: pageQuery,
  response: z.array(relation),
}
/** `taskId` is the other task. */
export const addRelation = {
  name: 'addRelation',
  params: taskParams,
  query: noQuery,
  body: z.strictObject({ kind: relationKind, taskId: uuid }),
  response: relation,
}
export const removeRelation = {
  name: 'removeRelation',
  params: taskParams.extend({ kind: relationKind, otherTaskId: uuid }),
  query: noQuery,
}
