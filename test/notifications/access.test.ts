import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { connectChat } from '../support/chat.js'
import { heard, newProject, newTask, problemOf, rows } from '../work/support.js'
import { catchUp, NotificationStream, notificationsOf } from './support.js'

let app: TestApp
let ann: TestUser
let ben: TestUser
let workspaceId: string
let project: { id: string }
let channelId: string
const open: NotificationStream[] = []

beforeAll(async () => {
  app = await startApp()
  ann = await register(app.origin, 'Ann')
})
afterAll(() => app.stop())
beforeEach(async () => {
  ben = await register(app.origin, 'Ben')
  workspaceId = (await workspaceOf(ann, ben)).id
  project = await newProject(ann, workspaceId)
  const channel = { name: randomUUID(), type: 'private' }
  channelId = (await ann.api.data('POST', `/workspaces/${workspaceId}/channels`, channel)).id
  await ann.api.data('POST', `/channels/${channelId}/members`, { userId: ben.id })
})
afterEach(() => {
  for (const stream of open.splice(0)) stream.close()
})

const listen = (query = '') => {
  const stream = new NotificationStream(ben, query)
  open.push(stream)
  return stream
}
const as = (role: string) => ann.api.data('PATCH', `/workspaces/${workspaceId}/members/${ben.id}`, { role })
const letIn = () => ann.api.data('PUT', `/projects/${project.id}/members/${ben.id}`)

/** Something of a project, and something of a channel. */
async function concern() {
  const task = await newTask(ann.api, project.id, {
    description: `@${ben.user.username}`,
    assigneeIds: [ben.id],
  })
  await ann.api.data('POST', `/tasks/${task.id}/comments`, { content: `@${ben.user.username}` })
  await ann.api.data('POST', `/channels/${channelId}/messages`, { content: `@${ben.user.username}` })
}
const ALL = ['task.assigned', 'comment.mentioned', 'message.mentioned']

/** Ways to lose sight, and what is left. */
const losses: [string, () => Promise<unknown>, string[]][] = [
  [
    'is removed from the workspace',
    () => ann.api.data('DELETE', `/workspaces/${workspaceId}/members/${ben.id}`),
    [],
  ],
  ['leaves the workspace', () => ben.api.data('POST', `/workspaces/${workspaceId}/leave`), []],
  ['becomes a guest', () => as('guest'), ['message.mentioned']],
  [
    'is taken out of the project',
    () => ann.api.data('DELETE', `/projects/${project.id}/members/${ben.id}`),
    ['message.mentioned'],
  ],
  [
    'is taken out of the channel',
    () => ann.api.data('DELETE', `/channels/${channelId}/members/${ben.id}`),
    ALL.slice(0, 2),
  ],
  [
    'sees the project deleted',
    () => ann.api.data('DELETE', `/projects/${project.id}`),
    ['message.mentioned'],
  ],
  ['sees the channel deleted', () => ann.api.data('DELETE', `/channels/${channelId}`), ALL.slice(0, 2)],
  ['sees the workspace deleted', () => ann.api.data('DELETE', `/workspaces/${workspaceId}`), []],
]

describe('who', () => {
  test.each(losses)('%s is not told of what was done before and not looked at', async (how, lose, left) => {
    if (how.includes('out of the project')) {
      await as('guest')
      await letIn()
    }
    await concern()
    await lose()
    await catchUp(app)
    const stored = await rows(
      app,
      'select type from notifications where user_id = $1 and workspace_id = $2 order by seq',
      [ben.id, workspaceId],
    )
    const told = stored.map(({ type }) => type).filter(type => type !== 'workspace.invited')
    expect(told).toEqual(left)
  })

  test.each(losses)('%s does not see any more what he was told before', async (how, lose, left) => {
    if (how.includes('out of the project')) {
      await as('guest')
      await letIn()
    }
    await catchUp(app)
    const before = (await notificationsOf(ben)).length
    await concern()
    await catchUp(app)
    const all = await notificationsOf(ben)
    expect(all.slice(before).map(({ type }) => type)).toEqual(ALL)
    await lose()
    const rest = (await notificationsOf(ben)).filter(({ type }) => type !== 'workspace.invited')
    expect(rest.map(({ type }) => type)).toEqual(left)
    expect((await ben.api.data('GET', '/notifications/unread-count')).count).toBeLessThanOrEqual(
      before + left.length,
    )
    for (const one of all.slice(before)) {
      const answer = await ben.api.patch(`/notifications/${one.id}/read`)
      if (left.includes(one.type)) expect(answer.status).toBe(200)
      else expect(problemOf(answer)).toBe('404 NOTIFICATION_NOT_FOUND')
    }
    const stream = listen('?since=0')
    await stream.ready()
    expect(stream.rows.map(({ id }) => id)).toEqual(expect.arrayContaining(rest.map(({ id }) => id)))
    expect(stream.rows).toHaveLength((await notificationsOf(ben)).length)
  })

  test('is let in again sees again what he was told', async () => {
    await as('guest')
    await letIn()
    await concern()
    await catchUp(app)
    await ann.api.data('DELETE', `/projects/${project.id}/members/${ben.id}`)
    expect((await notificationsOf(ben)).map(({ type }) => type)).not.toContain('comment.mentioned')
    await letIn()
    expect((await notificationsOf(ben)).map(({ type }) => type)).toContain('comment.mentioned')
  })

  test('loses sight, and nobody says so, does not hear of it by an open stream either', async () => {
    await as('guest')
    await letIn()
    await catchUp(app)
    const stream = listen()
    await stream.ready()
    await concern()
    const created = heard(app, 'notification.created')
    await rows(app, 'delete from project_members where user_id = $1', [ben.id])
    await catchUp(app)
    expect(created.map(({ type }) => type)).toEqual(['message.mentioned'])
    await stream.next(({ type }) => type === 'message.mentioned')
    expect(stream.rows).toHaveLength(1)
  })
})

test('a task that is deleted is told of no more', async () => {
  const task = await newTask(ann.api, project.id, { assigneeIds: [ben.id] })
  await catchUp(app)
  expect((await notificationsOf(ben)).map(({ taskId }) => taskId)).toContain(task.id)
  await ann.api.data('DELETE', `/tasks/${task.id}`)
  expect((await notificationsOf(ben)).map(({ taskId }) => taskId)).not.toContain(task.id)
})

test('what one is told goes to all his sockets, and to nobody else', async () => {
  const his = await Promise.all([1, 2].map(() => connectChat(app.origin, ben.accessToken)))
  const other = await connectChat(app.origin, ann.accessToken)
  const task = await newTask(ann.api, project.id, { assigneeIds: [ben.id] })
  await catchUp(app)
  for (const chat of his) {
    const notification = await chat.next('notification:new', ({ taskId }) => taskId === task.id)
    expect(notification).toEqual((await notificationsOf(ben)).at(-1))
  }
  // What was sent before an answer arrives before it.
  await other.ask('channel:sync', { channelId, since: 0 })
  expect(other.all('notification:new')).toEqual([])
  for (const chat of [...his, other]) chat.close()
})
