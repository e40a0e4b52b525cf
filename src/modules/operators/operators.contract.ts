import { z } from 'zod'
import { instant, noQuery, uuid } from '../../fields.contract.js'
import { pageQuery } from '../../pagination.js'
import { account } from '../auth/auth.contract.js'

export const connectionKind = z.enum(['websocket', 'polling', 'stream'])

/** A socket or a stream as the node that has it knows it. */
export const openConnection = z.object({
  id: z.string(),
  kind: connectionKind,
  /** Null for a socket that has not shown a token yet. */
  userId: uuid.nullable(),
  userName: z.string().nullable(),
  connectedAt: instant,
  address: z.string(),
  /** In how many rooms a socket is: its channels, its projects, its workspaces and its own two. */
  rooms: z.int().nullable(),
  /** What a stream shows. */
  path: z.string().nullable(),
  /** What waits for its client to read it. */
  backlogBytes: z.int(),
})
export type OpenConnection = z.infer<typeof openConnection>

/** The same with the name of the node. */
export const connection = openConnection.extend({ node: z.string() })
export type Connection = z.infer<typeof connection>

const filter = { userId: uuid.optional(), kind: connectionKind.optional() }

/** What a node is asked: its first ones that fit, in the order of `connectedAt` and `id`, after a place in it. */
export const connectionsQuery = z.object({
  ...filter,
  after: z.tuple([instant, z.string()]).optional(),
  limit: z.int(),
})
export type ConnectionsQuery = z.infer<typeof connectionsQuery>

export const listConnections = {
  name: 'listConnections',
  query: pageQuery.extend(filter),
  response: z.array(connection),
}
export type ConnectionsPageQuery = z.output<typeof listConnections.query>

export const closeConnection = {
  name: 'closeConnection',
  params: z.object({ connectionId: z.string().regex(/^[\w-]{1,64}$/, 'is no id of a connection') }),
  query: noQuery,
}

export const updateAccount = {
  name: 'updateAccount',
  params: z.object({ userId: uuid }),
  query: noQuery,
  body: z.strictObject({ disabled: z.boolean() }),
  response: account,
}
