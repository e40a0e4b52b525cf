import { z } from 'zod'
import { noQuery, uuid } from '../../../fields.contract.js'

const params = z.object({ taskId: uuid })

/** Whether one hears of comments on a task: by his part in it, or because he said so. */
const watching = z.object({ isWatching: z.boolean() })

export const getWatching = { name: 'getWatching', params, query: noQuery, response: watching }
export const watchTask = { name: 'watchTask', params, query: noQuery, response: watching }
export const unwatchTask = { name: 'unwatchTask', params, query: noQuery }
