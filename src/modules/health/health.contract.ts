import { z } from 'zod'
import { noQuery } from '../../fields.contract.js'

const state = z.enum(['up', 'down'])

export const getLiveness = {
  name: 'getLiveness',
  query: noQuery,
  response: z.object({ status: z.literal('live') }),
  produces: 'application/json',
}

/** Whether this node can serve requests, and what it lacks: 200 only where `status` is `ready`. */
export const readiness = z.object({
  status: z.enum(['ready', 'unavailable', 'stopping']),
  dependencies: z.object({ database: state, sockets: state }),
})
export type Readiness = z.infer<typeof readiness>

export const getReadiness = {
  name: 'getReadiness',
  query: noQuery,
  response: readiness,
  produces: 'application/json',
  statuses: [200, 503],
}
