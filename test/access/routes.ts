import { randomUUID } from 'node:crypto'
import { form, formHeaders } from '../files/uploading.js'
import { Api, type CallOptions, type TestUser } from '../support/api.js'
import { connectChat } from '../support/chat.js'
import type { Role, World } from './world.js'

/** A request that would do its work, if the one who makes it may. */
export interface Attempt {
  path: string
  body?: unknown
  /** What else there is to send. */
  options?: CallOptions
  /** Made by somebody else than the role's own person, who would not survive it. */
  as?: TestUser
}

/** What each role must get from a route. */
export interface Row {
  attempt(world: World, role: Role): Promise<Attempt> | Attempt
  expected: Record<Role, number>
  isStream?: boolean
}

type Expectation = Partial<Record<Role, number>>

/** Open to whoever is signed in. */
const signedIn = (status: number, others: Expectation = {}): Row['expected'] => ({
  anonymous: 401,
  revoked: 401,
  outsider: status,
  operator: status,
  removed: status,
  guest: status,
  within: status,
  member: status,
  admin: status,
  owner: status,
  ...others,
})

/** For those in the workspace; to everybody else it does not exist. */
const inWorkspace = (status: number, others: Expectation = {}) =>
  signedIn(status, { outsider: 404, operator: 404, removed: 404, ...others })

/** For those who see the project or channel: not for a guest who was not added. */
const whoSees = (status: number, others: Expectation = {}) => inWorkspace(status, { guest: 404, ...others })

/** For members, and not for guests at all. */
const membersOnly = (status: number) => inWorkspace(status, { guest: 403, within: 403 })

/** For admins and owners. */
const adminsOnly = (status: number) => inWorkspace(status, { guest: 403, within: 403, member: 403 })

/** For those who run the server. Nobody is one by his role in a workspace. */
const operatorsOnly = (status: number) => signedIn(403, { operator: status })

const open = (status: number): Row['expected'] => signedIn(status, { anonymous: status, revoked: status })

const inProject = (suffix: string, body?: unknown) => async (world: World) => ({
  path: `/projects/${await world.project()}${suffix}`,
  body,
})
const onTask = (suffix: string, body?: unknown) => async (world: World) => ({
  path: `/tasks/${await world.task()}${suffix}`,
  body,
})
const onComment = (body?: unknown) => async (world: World) => ({
  path: `/comments/${await world.comment()}`,
  body,
})
const onAttachment =
  (suffix = '') =>
  async (world: World) => ({ path: `/attachments/${await world.attachment()}${suffix}` })
const inChannel = (suffix: string, body?: unknown) => async (world: World) => ({
  path: `/channels/${await world.channel()}${suffix}`,
  body,
})
const inPlace = (suffix: string, body?: unknown) => (world: World) => ({
  path: `/workspaces/${world.workspaceId}${suffix}`,
  body,
})

/** Another session of the same person, to be ended. */
async function anotherSession(world: World, role: Role) {
  if (role === 'anonymous' || role === 'revoked') return undefined
  const { email } = world.people[role]
  const signed = await new Api(world.origin).data('POST', '/auth/login', { email, password: 'correct horse' })
  return {
    ...world.people[role],
    accessToken: String(signed.accessToken),
    refreshToken: String(signed.refreshToken),
  }
}

const invitation = (world: World, email: string, role = 'member') =>
  world.people.owner.api.data('POST', `/workspaces/${world.workspaceId}/invite`, { email, role })

/** A new label of the workspace. */
export async function label({ people, workspaceId }: World): Promise<string> {
  const given = { name: randomUUID(), color: '#1f6feb' }
  return (await people.owner.api.data('POST', `/workspaces/${workspaceId}/labels`, given)).id
}

const freshEmail = () => `${randomUUID()}@example.com`

/** A change of the tasks of a project, one of the owner's, all at once. */
const inBulk = (change: object) => async (world: World) => {
  const path = `/projects/${await world.project()}/tasks`
  const { id } = await world.people.owner.api.data('POST', path, { title: 'Task' })
  return { path: `${path}/bulk`, body: { taskIds: [id], ...change } }
}

/** What else routes take, by a field that the body in `routes` does not have. */
export const otherBodies: Record<string, Record<string, Row>> = {
  'POST /projects/:projectId/tasks/bulk': {
    update: { attempt: inBulk({ update: { priority: 'high' } }), expected: whoSees(200) },
    taskIds: { attempt: inBulk({ delete: true }), expected: whoSees(200, { within: 403 }) },
  },
}

export const routes: Record<string, Row> = {
  'POST /auth/register': {
    attempt: () => ({
      path: '/auth/register',
      body: { email: freshEmail(), password: 'correct horse', firstName: 'New', lastName: 'Person' },
    }),
    expected: open(201),
  },
  'POST /auth/login': {
    attempt: ({ people }) => ({
      path: '/auth/login',
      body: { email: people.member.email, password: 'correct horse' },
    }),
    expected: open(200),
  },
  'POST /auth/refresh': {
    attempt: async world => ({
      path: '/auth/refresh',
      body: { refreshToken: (await anotherSession(world, 'member'))?.refreshToken },
    }),
    expected: open(200),
  },
  'POST /auth/logout': {
    attempt: async world => ({
      path: '/auth/logout',
      body: { refreshToken: (await anotherSession(world, 'member'))?.refreshToken },
    }),
    expected: open(204),
  },
  'POST /auth/logout-all': {
    attempt: async ({ expendable }, role) =>
      role === 'anonymous' || role === 'revoked'
        ? { path: '/auth/logout-all' }
        : { path: '/auth/logout-all', as: await expendable() },
    expected: signedIn(204),
  },
  'POST /auth/forgot-password': {
    attempt: () => ({ path: '/auth/forgot-password', body: { email: freshEmail() } }),
    expected: open(204),
  },
  'POST /auth/reset-password': {
    attempt: () => ({ path: '/auth/reset-password', body: { token: 'wrong', password: 'correct horse' } }),
    expected: open(422),
  },
  'POST /auth/stream-tickets': {
    attempt: ({ workspaceId }) => ({
      path: '/auth/stream-tickets',
      body: { path: `/workspaces/${workspaceId}/stats/live` },
    }),
    expected: signedIn(201),
  },
  'GET /auth/sessions': { attempt: () => ({ path: '/auth/sessions' }), expected: signedIn(200) },
  'DELETE /auth/sessions/:sessionId': {
    // A session of the owner's: nobody else may so much as know of it.
    attempt: async world => {
      const api = new Api(world.origin, (await anotherSession(world, 'owner'))?.accessToken)
      const sessions: { id: string; current: boolean }[] = await api.data('GET', '/auth/sessions')
      return { path: `/auth/sessions/${sessions.find(({ current }) => current)?.id}` }
    },
    expected: signedIn(404, { owner: 204 }),
  },

  'GET /users/me': { attempt: () => ({ path: '/users/me' }), expected: signedIn(200) },
  'PATCH /users/me': {
    attempt: () => ({ path: '/users/me', body: { firstName: 'Renamed' } }),
    expected: signedIn(200),
  },
  'GET /users/:userId': {
    attempt: ({ people }) => ({ path: `/users/${people.member.id}` }),
    expected: inWorkspace(200),
  },

  'POST /workspaces': {
    attempt: () => ({ path: '/workspaces', body: { name: 'Another' } }),
    expected: signedIn(201),
  },
  'GET /workspaces': { attempt: () => ({ path: '/workspaces' }), expected: signedIn(200) },
  'GET /workspaces/:workspaceId': { attempt: inPlace(''), expected: inWorkspace(200) },
  'PATCH /workspaces/:workspaceId': {
    attempt: inPlace('', { name: 'Renamed' }),
    expected: adminsOnly(200),
  },
  'DELETE /workspaces/:workspaceId': {
    // The owner alone may; here he deletes one that is his only, the others try the shared one.
    attempt: async ({ people, workspaceId }, role) => {
      if (role !== 'owner') return { path: `/workspaces/${workspaceId}` }
      const { id } = await people.owner.api.data('POST', '/workspaces', { name: 'Short-lived' })
      return { path: `/workspaces/${id}` }
    },
    expected: inWorkspace(403, { owner: 204 }),
  },
  'GET /workspaces/:workspaceId/members': { attempt: inPlace('/members'), expected: inWorkspace(200) },
  'PATCH /workspaces/:workspaceId/members/:userId': {
    attempt: async ({ workspaceId, expendable }) => ({
      path: `/workspaces/${workspaceId}/members/${(await expendable()).id}`,
      body: { role: 'guest' },
    }),
    expected: adminsOnly(200),
  },
  'DELETE /workspaces/:workspaceId/members/:userId': {
    attempt: async ({ workspaceId, expendable }) => ({
      path: `/workspaces/${workspaceId}/members/${(await expendable()).id}`,
    }),
    expected: adminsOnly(204),
  },
  'POST /workspaces/:workspaceId/leave': {
    attempt: async ({ workspaceId, expendable }, role) => ({
      path: `/workspaces/${workspaceId}/leave`,
      ...(['guest', 'within', 'member', 'admin'].includes(role) && { as: await expendable() }),
    }),
    // The only owner cannot.
    expected: inWorkspace(204, { owner: 409 }),
  },
  'POST /workspaces/:workspaceId/invite': {
    attempt: ({ workspaceId }) => ({
      path: `/workspaces/${workspaceId}/invite`,
      body: { email: freshEmail(), role: 'member' },
    }),
    expected: adminsOnly(201),
  },
  'GET /workspaces/:workspaceId/invitations': {
    attempt: inPlace('/invitations'),
    expected: adminsOnly(200),
  },
  'POST /invitations/accept': {
    // An invitation for somebody else: it exists for nobody here.
    attempt: async world => ({
      path: '/invitations/accept',
      body: { token: (await invitation(world, freshEmail())).token },
    }),
    expected: signedIn(404),
  },
  'DELETE /invitations/:invitationId': {
    attempt: async world => ({
      path: `/invitations/${(await invitation(world, freshEmail())).invitationId}`,
    }),
    // Whoever may not invite does not see invitations either.
    expected: signedIn(404, { admin: 204, owner: 204 }),
  },
  'GET /workspaces/:workspaceId/presence': { attempt: inPlace('/presence'), expected: inWorkspace(200) },

  'POST /workspaces/:workspaceId/projects': {
    attempt: ({ workspaceId }, role) => ({
      path: `/workspaces/${workspaceId}/projects`,
      body: { name: 'Mine', key: `M${role.toUpperCase().slice(0, 4)}` },
    }),
    expected: membersOnly(201),
  },
  'GET /workspaces/:workspaceId/projects': { attempt: inPlace('/projects'), expected: inWorkspace(200) },
  'GET /projects/:projectId': { attempt: inProject(''), expected: whoSees(200) },
  'PATCH /projects/:projectId': {
    attempt: inProject('', { name: 'Renamed' }),
    expected: whoSees(403, { admin: 200, owner: 200 }),
  },
  'DELETE /projects/:projectId': {
    attempt: inProject(''),
    expected: whoSees(403, { admin: 204, owner: 204 }),
  },
  'GET /projects/:projectId/members': { attempt: inProject('/members'), expected: whoSees(200) },
  'PUT /projects/:projectId/members/:userId': {
    attempt: async world => ({ path: `/projects/${await world.project()}/members/${world.people.guest.id}` }),
    expected: whoSees(403, { admin: 200, owner: 200 }),
  },
  'DELETE /projects/:projectId/members/:userId': {
    attempt: async world => ({
      path: `/projects/${await world.project()}/members/${world.people.within.id}`,
    }),
    expected: whoSees(403, { admin: 204, owner: 204 }),
  },
  'GET /projects/:projectId/changes': { attempt: inProject('/changes?since=0'), expected: whoSees(200) },
  'GET /projects/:projectId/board': { attempt: inProject('/board'), expected: whoSees(200) },
  'GET /projects/:projectId/statuses': { attempt: inProject('/statuses'), expected: whoSees(200) },
  'POST /projects/:projectId/statuses': {
    attempt: inProject('/statuses', { key: 'waiting', name: 'Waiting', group: 'started' }),
    expected: whoSees(403, { admin: 201, owner: 201 }),
  },
  'PATCH /projects/:projectId/statuses/:statusKey': {
    attempt: inProject('/statuses/todo', { name: 'Renamed' }),
    expected: whoSees(403, { admin: 200, owner: 200 }),
  },
  'DELETE /projects/:projectId/statuses/:statusKey': {
    attempt: inProject('/statuses/todo?remapTo=done'),
    expected: whoSees(403, { admin: 204, owner: 204 }),
  },

  'POST /workspaces/:workspaceId/labels': {
    attempt: ({ workspaceId }) => ({
      path: `/workspaces/${workspaceId}/labels`,
      body: { name: randomUUID(), color: '#d73a4a' },
    }),
    expected: membersOnly(201),
  },
  'GET /workspaces/:workspaceId/labels': { attempt: inPlace('/labels'), expected: inWorkspace(200) },
  'PATCH /labels/:labelId': {
    attempt: async world => ({ path: `/labels/${await label(world)}`, body: { color: '#000000' } }),
    expected: membersOnly(200),
  },
  'DELETE /labels/:labelId': {
    attempt: async world => ({ path: `/labels/${await label(world)}` }),
    expected: membersOnly(204),
  },

  'POST /projects/:projectId/tasks': {
    attempt: inProject('/tasks', { title: 'New' }),
    expected: whoSees(201),
  },
  'POST /projects/:projectId/tasks/bulk': {
    attempt: inProject('/tasks/bulk', { tasks: [{ title: 'New' }] }),
    expected: whoSees(201),
  },
  'GET /projects/:projectId/tasks': { attempt: inProject('/tasks'), expected: whoSees(200) },
  'GET /tasks/:taskId': { attempt: onTask(''), expected: whoSees(200) },
  'GET /tasks/:taskId/messages': { attempt: onTask('/messages'), expected: whoSees(200) },
  'GET /tasks/:taskId/subtasks': { attempt: onTask('/subtasks'), expected: whoSees(200) },
  'PATCH /tasks/:taskId': { attempt: onTask('', { title: 'Renamed' }), expected: whoSees(200) },
  'PATCH /tasks/:taskId/status': { attempt: onTask('/status', { status: 'done' }), expected: whoSees(200) },
  'POST /tasks/:taskId/reorder': { attempt: onTask('/reorder', { status: 'done' }), expected: whoSees(200) },
  'DELETE /tasks/:taskId': { attempt: onTask(''), expected: whoSees(204, { within: 403 }) },
  'PUT /tasks/:taskId/labels/:labelId': {
    attempt: async world => ({ path: `/tasks/${await world.task()}/labels/${await label(world)}` }),
    expected: whoSees(200),
  },
  'DELETE /tasks/:taskId/labels/:labelId': {
    attempt: async world => {
      const path = `/tasks/${await world.task()}/labels/${await label(world)}`
      await world.people.owner.api.data('PUT', path)
      return { path }
    },
    expected: whoSees(204),
  },
  'GET /tasks/:taskId/relations': { attempt: onTask('/relations'), expected: whoSees(200) },
  'POST /tasks/:taskId/relations': {
    attempt: async world => ({
      path: `/tasks/${await world.task()}/relations`,
      body: { kind: 'blocks', taskId: await world.task() },
    }),
    expected: whoSees(201),
  },
  'DELETE /tasks/:taskId/relations/:kind/:otherTaskId': {
    attempt: async world => {
      const [one, other] = [await world.task(), await world.task()]
      await world.people.owner.api.data('POST', `/tasks/${one}/relations`, { kind: 'blocks', taskId: other })
      return { path: `/tasks/${one}/relations/blocks/${other}` }
    },
    expected: whoSees(204),
  },
  'PATCH /tasks/:taskId/assignees': {
    attempt: async world => ({
      path: `/tasks/${await world.task()}/assignees`,
      body: { assigneeIds: [world.people.member.id] },
    }),
    expected: whoSees(200),
  },
  'PUT /tasks/:taskId/assignees/:userId': {
    attempt: async world => ({ path: `/tasks/${await world.task()}/assignees/${world.people.member.id}` }),
    expected: whoSees(200),
  },
  'DELETE /tasks/:taskId/assignees/:userId': {
    attempt: async world => {
      const path = `/tasks/${await world.task()}/assignees/${world.people.member.id}`
      await world.people.owner.api.data('PUT', path)
      return { path }
    },
    expected: whoSees(204),
  },

  'POST /tasks/:taskId/comments': {
    attempt: onTask('/comments', { content: 'hello' }),
    expected: whoSees(201),
  },
  'GET /tasks/:taskId/comments': { attempt: onTask('/comments'), expected: whoSees(200) },
  'GET /comments/:commentId': { attempt: onComment(), expected: whoSees(200) },
  'PATCH /comments/:commentId': {
    attempt: onComment({ content: 'changed' }),
    expected: whoSees(403, { owner: 200 }),
  },
  'DELETE /comments/:commentId': {
    attempt: onComment(),
    expected: whoSees(403, { admin: 204, owner: 204 }),
  },

  'POST /tasks/:taskId/attachments': {
    attempt: async world => ({
      path: `/tasks/${await world.task()}/attachments`,
      options: { raw: form(), headers: formHeaders },
    }),
    expected: whoSees(201),
  },
  'GET /tasks/:taskId/attachments': { attempt: onTask('/attachments'), expected: whoSees(200) },
  'GET /attachments/:attachmentId': { attempt: onAttachment(), expected: whoSees(200) },
  'GET /attachments/:attachmentId/download': {
    attempt: onAttachment('/download'),
    expected: whoSees(200),
  },
  'DELETE /attachments/:attachmentId': {
    attempt: onAttachment(),
    expected: whoSees(403, { admin: 204, owner: 204 }),
  },

  'GET /workspaces/:workspaceId/search': { attempt: inPlace('/search?q=task'), expected: inWorkspace(200) },
  'GET /workspaces/:workspaceId/activity': { attempt: inPlace('/activity'), expected: inWorkspace(200) },
  'GET /projects/:projectId/activity': { attempt: inProject('/activity'), expected: whoSees(200) },
  'GET /tasks/:taskId/activity': { attempt: onTask('/activity'), expected: whoSees(200) },
  'GET /workspaces/:workspaceId/activity/live': {
    attempt: inPlace('/activity/live'),
    expected: inWorkspace(200),
    isStream: true,
  },

  'POST /workspaces/:workspaceId/channels': {
    attempt: ({ workspaceId }) => ({
      path: `/workspaces/${workspaceId}/channels`,
      body: { name: randomUUID(), type: 'public' },
    }),
    expected: membersOnly(201),
  },
  'GET /workspaces/:workspaceId/channels': { attempt: inPlace('/channels'), expected: inWorkspace(200) },
  'GET /channels/:channelId': { attempt: inChannel(''), expected: whoSees(200) },
  'PATCH /channels/:channelId': {
    attempt: inChannel('', { description: 'Changed' }),
    expected: whoSees(403, { admin: 200, owner: 200 }),
  },
  'DELETE /channels/:channelId': {
    attempt: inChannel(''),
    expected: whoSees(403, { admin: 204, owner: 204 }),
  },
  'GET /channels/:channelId/members': { attempt: inChannel('/members'), expected: whoSees(200) },
  'POST /channels/:channelId/members': {
    attempt: async world => ({
      path: `/channels/${await world.channel()}/members`,
      body: { userId: world.people.guest.id },
    }),
    expected: whoSees(403, { admin: 201, owner: 201 }),
  },
  'DELETE /channels/:channelId/members/:userId': {
    attempt: async world => {
      const channelId = await world.channel()
      const userId = world.people.guest.id
      await world.people.owner.api.data('POST', `/channels/${channelId}/members`, { userId })
      return { path: `/channels/${channelId}/members/${userId}` }
    },
    // The guest takes himself out.
    expected: whoSees(403, { guest: 204, admin: 204, owner: 204 }),
  },
  'POST /channels/:channelId/read': { attempt: inChannel('/read', { seq: 0 }), expected: whoSees(200) },

  'GET /channels/:channelId/messages': { attempt: inChannel('/messages'), expected: whoSees(200) },
  'GET /messages/channel/:channelId': {
    attempt: async world => ({ path: `/messages/channel/${await world.channel()}` }),
    expected: whoSees(200),
  },
  'POST /channels/:channelId/messages': {
    attempt: inChannel('/messages', { content: 'hello' }),
    expected: whoSees(201),
  },
  'GET /channels/:channelId/changes': { attempt: inChannel('/changes?since=0'), expected: whoSees(200) },
  'GET /messages/:messageId': {
    attempt: async world => ({ path: `/messages/${await world.message()}` }),
    expected: whoSees(200),
  },
  'PATCH /messages/:messageId': {
    attempt: async world => ({ path: `/messages/${await world.message()}`, body: { content: 'changed' } }),
    expected: whoSees(403, { owner: 200 }),
  },
  'DELETE /messages/:messageId': {
    attempt: async world => ({ path: `/messages/${await world.message()}` }),
    expected: whoSees(403, { admin: 204, owner: 204 }),
  },
  'GET /messages/:messageId/thread': {
    attempt: async world => ({ path: `/messages/${await world.message()}/thread` }),
    expected: whoSees(200),
  },
  'PUT /messages/:messageId/reactions/:emoji': {
    attempt: async world => ({ path: `/messages/${await world.message()}/reactions/%F0%9F%91%8D` }),
    expected: whoSees(200),
  },
  'DELETE /messages/:messageId/reactions/:emoji': {
    attempt: async world => {
      const path = `/messages/${await world.message()}/reactions/%F0%9F%91%8D`
      await world.people.owner.api.data('PUT', path)
      return { path }
    },
    expected: whoSees(204),
  },

  'GET /notifications': { attempt: () => ({ path: '/notifications' }), expected: signedIn(200) },
  'GET /notifications/unread-count': {
    attempt: () => ({ path: '/notifications/unread-count' }),
    expected: signedIn(200),
  },
  'GET /notifications/live': {
    attempt: () => ({ path: '/notifications/live' }),
    expected: signedIn(200),
    isStream: true,
  },
  'PATCH /notifications/:notificationId/read': {
    attempt: async world => ({ path: `/notifications/${await world.notification()}/read` }),
    expected: signedIn(404, { owner: 200 }),
  },
  'POST /notifications/read-all': {
    attempt: () => ({ path: '/notifications/read-all' }),
    expected: signedIn(200),
  },
  'GET /notifications/settings': {
    attempt: () => ({ path: '/notifications/settings' }),
    expected: signedIn(200),
  },
  'PATCH /notifications/settings': {
    attempt: () => ({ path: '/notifications/settings', body: { digest: false } }),
    expected: signedIn(200),
  },
  'GET /channels/:channelId/notifications': {
    attempt: inChannel('/notifications'),
    expected: whoSees(200),
  },
  'PUT /channels/:channelId/notifications': {
    attempt: inChannel('/notifications', { level: 'all' }),
    expected: whoSees(200),
  },
  'GET /tasks/:taskId/watch': { attempt: onTask('/watch'), expected: whoSees(200) },
  'PUT /tasks/:taskId/watch': { attempt: onTask('/watch'), expected: whoSees(200) },
  'DELETE /tasks/:taskId/watch': { attempt: onTask('/watch'), expected: whoSees(204) },

  ...streams(
    ['/workspaces/:workspaceId/stats', '/stats/workspace/:workspaceId'],
    ['/workspaces/:workspaceId/stats/live', '/stats/workspace/:workspaceId/stream'],
    async world => world.workspaceId,
    inWorkspace(200),
  ),
  ...streams(
    ['/projects/:projectId/stats', '/stats/project/:projectId'],
    ['/projects/:projectId/stats/live', '/stats/project/:projectId/stream'],
    world => world.project(),
    whoSees(200),
  ),

  'GET /admin/connections': {
    attempt: () => ({ path: '/admin/connections?limit=2' }),
    expected: operatorsOnly(200),
  },
  'DELETE /admin/connections/:connectionId': {
    attempt: async ({ origin, people }) => {
      const { socket } = await connectChat(origin, people.member.accessToken)
      return { path: `/admin/connections/${socket.id}` }
    },
    expected: operatorsOnly(204),
  },
  'PATCH /admin/users/:userId': {
    attempt: async ({ expendable }) => ({
      path: `/admin/users/${(await expendable()).id}`,
      body: { disabled: true },
    }),
    expected: operatorsOnly(200),
  },
}

/** A figure that is read once or followed as a stream, under both names. */
function streams(
  once: string[],
  live: string[],
  id: (world: World) => Promise<string>,
  expected: Row['expected'],
): Record<string, Row> {
  const row = (pattern: string, isStream: boolean): [string, Row] => [
    `GET ${pattern}`,
    { attempt: async world => ({ path: pattern.replace(/:\w+/, await id(world)) }), expected, isStream },
  ]
  return Object.fromEntries([...once.map(path => row(path, false)), ...live.map(path => row(path, true))])
}

/** In a private channel a place in it is all that counts: the workspace's admin sees it no more than a stranger. */
export const privately: Record<string, Row> = Object.fromEntries(
  Object.entries(routes)
    .filter(([route]) => / \/channels\/:channelId(?!\/members)| \/messages\//.test(route))
    .map(([route, row]) => [route, { ...row, expected: { ...row.expected, member: 404, admin: 404 } }]),
)

/** Routes at the root: for those who run the server or write clients, without a sign-in. */
export const serviceRoutes: Record<string, Row['expected']> = {
  'GET /health/live': open(200),
  'GET /health/ready': open(200),
  'GET /metrics': open(200),
  'GET /openapi.json': open(200),
  'GET /': open(200),
  'GET /docs': open(200),
}
