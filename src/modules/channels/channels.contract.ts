import { z } from 'zod'
import { role } from '../../access/roles.js'
import { instant, line, noQuery, person, prose, seq, uuid } from '../../fields.contract.js'
import { pageQuery } from '../../pagination.js'

export const channelTypes = ['public', 'private'] as const

/** What one reader has not read: counts are capped at `UNREAD_CAP`. */
export const unread = z.object({
  channelId: uuid,
  unread: z.int(),
  mentions: z.int(),
  lastSeq: seq,
  lastReadSeq: seq,
})
export type Unread = z.infer<typeof unread>

/** Counting stops here: a badge says "999+" beyond. */
export const UNREAD_CAP = 1000

/** A channel as one reader sees it. `channelRole` is null where he is not a member of it. */
export const channel = z.object({
  id: uuid,
  workspaceId: uuid,
  projectId: uuid.nullable(),
  name: z.string(),
  description: z.string(),
  type: z.enum(channelTypes),
  createdBy: uuid,
  channelRole: z.enum(['member', 'admin']).nullable(),
  lastSeq: seq,
  lastReadSeq: seq,
  unread: z.int(),
  mentions: z.int(),
  createdAt: instant,
  updatedAt: instant,
})
export type Channel = z.infer<typeof channel>

export const channelMember = z.object({
  user: person,
  channelRole: z.enum(['member', 'admin']),
  role,
  joinedAt: instant,
})

const workspaceParams = z.object({ workspaceId: uuid })
const channelParams = z.object({ channelId: uuid })
const name = line(80)

export const createChannel = {
  name: 'createChannel',
  params: workspaceParams,
  query: noQuery,
  body: z.strictObject({
    name,
    type: z.enum(channelTypes),
    description: prose(2000).default(''),
    projectId: uuid.optional(),
  }),
  response: channel,
}
export const listChannels = {
  name: 'listChannels',
  params: workspaceParams,
  query: pageQuery,
  response: z.array(channel),
}
export const getChannel = { name: 'getChannel', params: channelParams, query: noQuery, response: channel }
export const updateChannel = {
  name: 'updateChannel',
  params: channelParams,
  query: noQuery,
  body: z
    .strictObject({ name, description: prose(2000), type: z.enum(channelTypes) })
    .partial()
    .refine(body => Object.keys(body).length > 0, 'must change something'),
  response: channel,
}
export const deleteChannel = { name: 'deleteChannel', params: channelParams, query: noQuery }

export const listChannelMembers = {
  name: 'listChannelMembers',
  params: channelParams,
  query: pageQuery,
  response: z.array(channelMember),
}
export const addChannelMember = {
  name: 'addChannelMember',
  params: channelParams,
  query: noQuery,
  body: z.strictObject({ userId: uuid }),
  response: channelMember,
}
export const removeChannelMember = {
  name: 'removeChannelMember',
  params: channelParams.extend({ userId: uuid }),
  query: noQuery,
}
export const readChannel = {
  name: 'readChannel',
  params: channelParams,
  query: noQuery,
  body: z.strictObject({ seq }),
  response: unread,
}
