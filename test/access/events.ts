import type { ChatClient } from '../support/chat.js'
import type { Role, World } from './world.js'

/** A socket event that would do its work, and what each role must be answered. */
export interface EventRow {
  attempt(world: World, chat: ChatClient): Promise<unknown> | unknown
  expected: Record<Role, string>
}

const whoSees = (hidden: string, others: Partial<Record<Role, string>> = {}): EventRow['expected'] => ({
  anonymous: 'UNAUTHENTICATED',
  revoked: 'UNAUTHENTICATED',
  outsider: hidden,
  operator: hidden,
  removed: hidden,
  guest: hidden,
  within: 'ok',
  member: 'ok',
  admin: 'ok',
  owner: 'ok',
  ...others,
})

/** Typing is told to a room: whoever may not join it cannot be in it. */
const typing: EventRow = {
  attempt: async (world, chat) => {
    const channelId = await world.channel()
    await chat.ask('channel:join', { channelId })
    return { channelId }
  },
  expected: whoSees('CHANNEL_NOT_JOINED'),
}

export const events: Record<string, EventRow> = {
  auth: {
    attempt: ({ people }) => ({ token: people.member.accessToken }),
    // Open to sockets without a user; one that has a user keeps him.
    expected: whoSees('FORBIDDEN', {
      anonymous: 'ok',
      revoked: 'ok',
      within: 'FORBIDDEN',
      admin: 'FORBIDDEN',
      owner: 'FORBIDDEN',
    }),
  },
  'channel:join': {
    attempt: async world => ({ channelId: await world.channel(), since: 0 }),
    expected: whoSees('CHANNEL_NOT_FOUND'),
  },
  // Leaving what one is not in is no error, and tells nothing.
  'channel:leave': {
    attempt: async world => ({ channelId: await world.channel() }),
    expected: whoSees('ok'),
  },
  'project:join': {
    attempt: async world => ({ projectId: await world.project(), since: 0 }),
    expected: whoSees('PROJECT_NOT_FOUND'),
  },
  'project:leave': {
    attempt: async world => ({ projectId: await world.project() }),
    expected: whoSees('ok'),
  },
  'channel:sync': {
    attempt: async world => ({ channelId: await world.channel(), since: 0 }),
    expected: whoSees('CHANNEL_NOT_FOUND'),
  },
  'channel:read': {
    attempt: async world => ({ channelId: await world.channel(), seq: 0 }),
    expected: whoSees('CHANNEL_NOT_FOUND'),
  },
  'channel:typing': typing,
  'channel:stop_typing': typing,
  'message:send': {
    attempt: async world => ({ channelId: await world.channel(), content: 'hello' }),
    expected: whoSees('CHANNEL_NOT_FOUND'),
  },
  'message:edit': {
    attempt: async world => ({ messageId: await world.message(), content: 'changed' }),
    expected: whoSees('MESSAGE_NOT_FOUND', {
      within: 'NOT_MESSAGE_AUTHOR',
      member: 'NOT_MESSAGE_AUTHOR',
      admin: 'NOT_MESSAGE_AUTHOR',
    }),
  },
  'message:delete': {
    attempt: async world => ({ messageId: await world.message() }),
    expected: whoSees('MESSAGE_NOT_FOUND', { within: 'FORBIDDEN', member: 'FORBIDDEN' }),
  },
}

/** In a private channel a place in it is all that counts: to members and admins without one it is hidden as to guests. */
export const privateEvents: Record<string, EventRow> = Object.fromEntries(
  Object.entries(events)
    .filter(([event]) => /^(channel|message):/.test(event))
    .map(([event, { attempt, expected }]) => {
      const { guest } = expected
      return [event, { attempt, expected: { ...expected, member: guest, admin: guest } }]
    }),
)
