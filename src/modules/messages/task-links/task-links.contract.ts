import { z } from 'zod'
import { uuid } from '../../../fields.contract.js'
import { pageQuery } from '../../../pagination.js'
import { message } from '../messages.contract.js'

/** The messages that name a task by its key, in the channels that the reader sees, the newest first. */
export const listTaskMessages = {
  name: 'listTaskMessages',
  params: z.object({ taskId: uuid }),
  query: pageQuery,
  response: z.array(message),
}
