import { randomUUID } from 'node:crypto'
import { until } from '../cluster/nodes.js'
import { attach } from '../files/uploading.js'
import { Api, register, type TestUser, workspaceOf } from '../support/api.js'

/**
 * Everybody that access is decided about; `within` is a guest who was added to the project and the channel,
 * `operator` runs the server and belongs to no workspace, once the test has made him one.
 */
export const roles = [
  'anonymous',
  'revoked',
  'outsider',
  'operator',
  'removed',
  'guest',
  'within',
  'member',
  'admin',
  'owner',
] as const
export type Role = (typeof roles)[number]
type Somebody = Exclude<Role, 'anonymous'>

/** One workspace with one person of each kind, and fresh things of it for each attempt. */
export interface World {
  origin: string
  people: Record<Somebody, TestUser>
  workspaceId: string
  project(): Promise<string>
  task(): Promise<string>
  /** By the owner. */
  comment(): Promise<string>
  /** By the owner. */
  attachment(): Promise<string>
  channel(type?: 'public' | 'private'): Promise<string>
  message(channelId?: string): Promise<string>
  /** One of the owner's, made by a server that notifies by itself. */
  notification(): Promise<string>
  /** A member that nobody else needs. */
  expendable(): Promise<TestUser>
  /** Ids of things that some do not see. */
  secrets: Secrets
}

export interface Secrets {
  /** Of a project: guests do not see it. */
  ofProject: string[]
  /** Of the owner's private channel: nobody else sees it. */
  ofChannel: string[]
}

/** Those things of a world that somebody must not hear of. */
export function secretsFrom(role: Role, { secrets: { ofProject, ofChannel } }: World): string[] {
  if (role === 'owner') return []
  return role === 'member' || role === 'admin' ? ofChannel : [...ofProject, ...ofChannel]
}

/** The same world, in which every channel is private. */
export function inPrivate(world: World): World {
  const channel = () => world.channel('private')
  return { ...world, channel, message: async () => world.message(await channel()) }
}

export async function makeWorld(origin: string): Promise<World> {
  const named = async (name: string) => register(origin, name)
  const people: Record<Somebody, TestUser> = {
    revoked: await named('Rev'),
    outsider: await named('Out'),
    operator: await named('Ops'),
    removed: await named('Rem'),
    guest: await named('Gus'),
    within: await named('Wim'),
    member: await named('Mem'),
    admin: await named('Adm'),
    owner: await named('Own'),
  }
  const { owner, outsider, removed, revoked } = people
  await workspaceOf(outsider)
  const { id: workspaceId } = await workspaceOf(
    owner,
    [people.admin, 'admin'],
    [people.guest, 'guest'],
    [people.within, 'guest'],
    people.member,
    removed,
    revoked,
  )
  await owner.api.data('DELETE', `/workspaces/${workspaceId}/members/${removed.id}`)
  await new Api(origin).data('POST', '/auth/logout', { refreshToken: revoked.refreshToken })

  let keys = 0
  const world: World = {
    origin,
    people,
    workspaceId,
    async project() {
      const key = `K${(keys++).toString(36).toUpperCase()}`
      const { id } = await owner.api.data('POST', `/workspaces/${workspaceId}/projects`, {
        name: 'Project',
        key,
      })
      await owner.api.data('PUT', `/projects/${id}/members/${people.within.id}`)
      return id
    },
    async task() {
      const projectId = await world.project()
      return (await owner.api.data('POST', `/projects/${projectId}/tasks`, { title: 'Task' })).id
    },
    async comment() {
      const path = `/tasks/${await world.task()}/comments`
      return (await owner.api.data('POST', path, { content: 'hello' })).id
    },
    async attachment() {
      return (await attach(owner.api, await world.task())).id
    },
    async channel(type = 'public') {
      const path = `/workspaces/${workspaceId}/channels`
      const { id } = await owner.api.data('POST', path, { name: randomUUID(), type })
      await owner.api.data('POST', `/channels/${id}/members`, { userId: people.within.id })
      return id
    },
    async message(channelId) {
      const place = channelId ?? (await world.channel())
      return (await owner.api.data('POST', `/channels/${place}/messages`, { content: 'hello' })).messageId
    },
    async notification() {
      const task = await world.task()
      await people.member.api.data('PUT', `/tasks/${task}/assignees/${owner.id}`)
      let found: { id: string; taskId: string } | undefined
      const look = async () => {
        const latest: { id: string; taskId: string }[] = await owner.api.data('GET', '/notifications')
        found = latest.find(({ taskId }) => taskId === task)
        return found !== undefined
      }
      await until(look, 'the notification')
      return found?.id ?? ''
    },
    async expendable() {
      const user = await named('Exp')
      const path = `/workspaces/${workspaceId}/invite`
      const { token } = await owner.api.data('POST', path, { email: user.email, role: 'member' })
      await user.api.data('POST', '/invitations/accept', { token })
      return user
    },
    secrets: await secretsOf(owner, workspaceId),
  }
  return world
}

async function secretsOf({ api }: TestUser, workspaceId: string): Promise<Secrets> {
  const inWorkspace = `/workspaces/${workspaceId}`
  const project = await api.data('POST', `${inWorkspace}/projects`, { name: 'Secret', key: 'SECRET' })
  const task = await api.data('POST', `/projects/${project.id}/tasks`, { title: 'Task' })
  const comment = await api.data('POST', `/tasks/${task.id}/comments`, { content: 'hello' })
  const attachment = await attach(api, task.id)
  const channel = await api.data('POST', `${inWorkspace}/channels`, { name: 'secret', type: 'private' })
  const message = await api.data('POST', `/channels/${channel.id}/messages`, { content: 'hello' })
  return {
    ofProject: [project.id, task.id, comment.id, attachment.id],
    ofChannel: [channel.id, message.messageId],
  }
}
