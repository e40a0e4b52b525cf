import { z } from 'zod'
import { noQuery } from '../../fields.contract.js'

/** The text format of Prometheus. */
export const getMetrics = {
  name: 'getMetrics',
  query: noQuery,
  response: z.string(),
  produces: 'text/plain',
}
