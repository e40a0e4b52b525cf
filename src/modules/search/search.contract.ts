import { z } from 'zod'
import { instant, person, prose, queryInteger, queryList, uuid } from '../../fields.contract.js'
import { pageQuery } from '../../pagination.js'

export const hitTypes = ['task', 'comment', 'message', 'attachment'] as const
export type HitType = (typeof hitTypes)[number]

/** Plain text, to be escaped like any other, and where in it (in UTF-16 units) something that was searched for stands. */
export const marked = z.object({
  text: z.string(),
  highlights: z.array(z.object({ start: z.int(), end: z.int() })),
})
export type Marked = z.infer<typeof marked>

/** Something that was found. `taskId` and `key` are of the task that it is, or that it is on. */
export const hit = z.object({
  type: z.enum(hitTypes),
  id: uuid,
  /** A task's or a file's own; of a comment that of its task, of a message the name of its channel. */
  title: marked,
  /** The part of a text that shows what was found; null where that is the title alone. */
  excerpt: marked.nullable(),
  projectId: uuid.nullable(),
  taskId: uuid.nullable(),
  key: z.string().nullable(),
  channelId: uuid.nullable(),
  author: person,
  createdAt: instant,
  /** From 0 to 1: good for comparing hits of one search. */
  rank: z.number(),
})
export type Hit = z.infer<typeof hit>

export const searchWorkspace = {
  name: 'searchWorkspace',
  params: z.object({ workspaceId: uuid }),
  query: pageQuery.extend({
    /** Words, all of which must be found, as beginnings of words; `"a phrase"`; or the key of a task. */
    q: prose(200).refine(text => /[\p{L}\p{N}]/u.test(text), 'must hold a letter or a digit'),
    type: queryList(z.enum(hitTypes)).optional(),
    limit: queryInteger(1, 50).default(20),
  }),
  response: z.array(hit),
}
