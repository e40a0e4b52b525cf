import type { Api } from '../../../test/support/api.js'
import type { People, Person } from '../../lab/people.js'

/** One victim in one channel of one workspace, which others go on using. */
export interface Scene {
  victim: Person
  workspaceId: string
  channelId: string
}

/** One way of losing access. */
export interface Way {
  name: string
  /** What ends: everything, all of the workspace, or the channel alone. */
  ends: 'session' | 'workspace' | 'channel'
  /** The channel is private, and the victim one of its members. */
  isPrivate?: boolean
  /** Seconds that the victim's token is valid. */
  tokenSeconds?: number
  /**
   * @param owner who manages the workspace and runs the server, at the node where it happens
   * @param self the victim there
   */
  lose(scene: Scene, owner: Api, self: Api, people: People): Promise<unknown>
}

const TOKEN_S = 5

export const ways: readonly Way[] = [
  {
    name: 'token expires',
    ends: 'session',
    tokenSeconds: TOKEN_S,
    lose: ({ victim }) => until(expiryOf(victim.token)),
  },
  {
    name: 'logout',
    ends: 'session',
    lose: ({ victim }, _, self) => self.data('POST', '/auth/logout', { refreshToken: victim.refreshToken }),
  },
  {
    name: 'logout everywhere',
    ends: 'session',
    lose: (_, __, self) => self.data('POST', '/auth/logout-all'),
  },
  {
    name: 'session revoked',
    ends: 'session',
    lose: ({ victim }, _, self) => self.data('DELETE', `/auth/sessions/${victim.sessionId}`),
  },
  {
    name: 'password reset',
    ends: 'session',
    lose: async ({ victim }, _, self, people) => {
      const token = await people.passwordReset(victim)
      await self.data('POST', '/auth/reset-password', { token, password: 'correct horse' })
    },
  },
  {
    name: 'user disabled',
    ends: 'session',
    lose: ({ victim }, owner) => owner.data('PATCH', `/admin/users/${victim.id}`, { disabled: true }),
  },
  {
    name: 'removed from the workspace',
    ends: 'workspace',
    lose: ({ workspaceId, victim }, owner) =>
      owner.data('DELETE', `/workspaces/${workspaceId}/members/${victim.id}`),
  },
  {
    name: 'left the workspace',
    ends: 'workspace',
    lose: ({ workspaceId }, _, self) => self.data('POST', `/workspaces/${workspaceId}/leave`),
  },
  {
    name: 'workspace deleted',
    ends: 'workspace',
    lose: ({ workspaceId }, owner) => owner.data('DELETE', `/workspaces/${workspaceId}`),
  },
  {
    name: 'removed from the channel',
    ends: 'channel',
    isPrivate: true,
    lose: ({ channelId, victim }, owner) =>
      owner.data('DELETE', `/channels/${channelId}/members/${victim.id}`),
  },
  {
    name: 'channel made private',
    ends: 'channel',
    lose: ({ channelId }, owner) => owner.data('PATCH', `/channels/${channelId}`, { type: 'private' }),
  },
  {
    name: 'channel deleted',
    ends: 'channel',
    lose: ({ channelId }, owner) => owner.data('DELETE', `/channels/${channelId}`),
  },
]

function expiryOf(token: string): number {
  const [, payload = ''] = token.split('.')
  return JSON.parse(Buffer.from(payload, 'base64url').toString()).exp * 1000
}

function until(moment: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, moment - Date.now()))
}
