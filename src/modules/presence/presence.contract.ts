import { z } from 'zod'
import { noQuery, uuid } from '../../fields.contract.js'

export const visitor = z.object({ userId: uuid, userName: z.string() })
export type Visitor = z.infer<typeof visitor>

/** Somebody online, and the workspaces whose members see him. */
export interface Present extends Visitor {
  workspaceIds: readonly string[]
}

/** Who of a workspace is online, all their tabs and devices counted once. */
export const listPresence = {
  name: 'listPresence',
  params: z.object({ workspaceId: uuid }),
  query: noQuery,
  response: z.array(visitor),
}
