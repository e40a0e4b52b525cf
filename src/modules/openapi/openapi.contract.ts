import { z } from 'zod'
import { noQuery } from '../../fields.contract.js'

export const getOpenapi = {
  name: 'getOpenapi',
  query: noQuery,
  response: z.looseObject({ openapi: z.literal('3.1.0') }),
  produces: 'application/json',
}

export const getDocs = { name: 'getDocs', query: noQuery, response: z.string(), produces: 'text/html' }

/** Sends whoever opens the server's address in a browser to the page above. */
export const getRoot = {
  name: 'getRoot',
  query: noQuery,
  response: z.string(),
  produces: 'text/html',
  statuses: [302],
}
