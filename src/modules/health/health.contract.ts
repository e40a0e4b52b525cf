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
  /** The bus is the way to the other nodes; a node that cannot hear them serves its own clients all the same. */
  dependencies: z.object({ database: state, sockets: state, bus: z.enum(['up', 'down', 'off']) }),
})
export type Readiness = z.infer<typeof readiness>

export const getReadiness = {
  name: 'getReadiness',
  query: noQuery,
  response: readiness,
  produces: 'application/json',
  statuses: [200, 503],
}
