import { z } from 'zod'
import { noQuery, uuid } from '../../../fields.contract.js'
import { task } from '../tasks.contract.js'
import { projectStatus } from './columns.contract.js'

/** How many cards of a column come with the board. */
export const CARDS_PER_COLUMN = 50

/** The first cards of each column. `nextCursor` goes on in the task list with that `status` and `sort=rank`. */
export const board = z.object({
  columns: z.array(projectStatus.extend({ tasks: z.array(task), nextCursor: z.string().nullable() })),
})
export type Board = z.infer<typeof board>

export const getBoard = {
  name: 'getBoard',
  params: z.object({ projectId: uuid }),
  query: noQuery,
  response: board,
}
