import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attach } from '../files/uploading.js'
import { Api, type TestUser } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { connectChat } from '../support/chat.js'
import { events } from './events.js'
import { type IdField, idFields } from './ids.js'
import { type Attempt, label, otherBodies, routes } from './routes.js'
import { makeWorld, type Role, type World } from './world.js'
import { type Writes, watchWrites } from './writes.js'

// Whatever id a request or an event takes, here it gets one of a thing that he who sends it does not see.

let app: TestApp
let world: World
let written: Writes

/** Things by the names that ids of them have. */
type Things = Record<string, string>
/** Things of another workspace, and things of the same one that `within` does not see. */
let foreign: Things
let hidden: Things

beforeAll(async () => {
  app = await startApp({ notifies: true })
  world = await makeWorld(app.origin)
  const other = await makeWorld(app.origin)
  const project = await other.project()
  foreign = {
    ...(await thingsOf(other.people.owner, other.workspaceId, project)),
    workspaceId: other.workspaceId,
    userId: other.people.member.id,
    labelId: await label(other),
    invitationId: await invitationOf(other),
    notificationId: await other.notification(),
    connectionId: 'of-somebody-else',
  }
  const { owner } = world.people
  const given = { name: 'Hidden', key: 'HIDDEN' }
  const { id } = await owner.api.data('POST', `/workspaces/${world.workspaceId}/projects`, given)
  hidden = await thingsOf(owner, world.workspaceId, id)
  written = await watchWrites(app)
})
afterAll(() => app.stop())

async function invitationOf({ people, workspaceId }: World): Promise<string> {
  const given = { email: 'somebody@example.com', role: 'member' }
  return (await people.owner.api.data('POST', `/workspaces/${workspaceId}/invite`, given)).invitationId
}

/** One of each in a project, and in a private channel. */
async function thingsOf({ api }: TestUser, workspaceId: string, projectId: string): Promise<Things> {
  const task = await api.data('POST', `/projects/${projectId}/tasks`, { title: 'Secret' })
  const comment = await api.data('POST', `/tasks/${task.id}/comments`, { content: 'Secret' })
  const given = { name: 'hidden', type: 'private' }
  const channel = await api.data('POST', `/workspaces/${workspaceId}/channels`, given)
  const message = await api.data('POST', `/channels/${channel.id}/messages`, { content: 'Secret' })
  const [session] = await api.data('GET', '/auth/sessions')
  return {
    projectId,
    taskId: task.id,
    commentId: comment.id,
    attachmentId: (await attach(api, task.id)).id,
    channelId: channel.id,
    messageId: message.messageId,
    sessionId: session.id,
  }
}

/** Names that ids of something else have. */
const namesOf: Record<string, string> = {
  otherTaskId: 'taskId',
  parentTaskId: 'taskId',
  before: 'taskId',
  after: 'taskId',
  taskIds: 'taskId',
  assigneeId: 'userId',
  assigneeIds: 'userId',
  labelIds: 'labelId',
  id: 'messageId',
}

function thingOf({ entry, name }: IdField): string {
  if (name === 'parentId') return entry.includes('comments') ? 'commentId' : 'messageId'
  return namesOf[name] ?? name
}

const title = ({ entry, part, within, name }: IdField) =>
  [`${entry} ${part}`, within, name].filter(step => step !== undefined).join('.')

/** A request that would do its work, but for one id in it. */
function withId(attempt: Attempt, { entry, part, name, within, isMany }: IdField, id: string): Attempt {
  const value = isMany ? [id] : id
  if (part === 'body') {
    const body = Object(attempt.body)
    if (within === undefined) return { ...attempt, body: { ...body, [name]: value } }
    const holder = Array.isArray(body[within])
      ? body[within].map((one: object) => ({ ...one, [name]: value }))
      : { ...body[within], [name]: value }
    return { ...attempt, body: { ...body, [within]: holder } }
  }
  if (part === 'query') {
    const mark = attempt.path.includes('?') ? '&' : '?'
    return { ...attempt, path: `${attempt.path}${mark}${name}=${id}` }
  }
  const [path = '', query] = attempt.path.split('?')
  const place = (entry.split(' ')[1] ?? '').split('/').indexOf(`:${name}`)
  const replaced = path.split('/').with(place, id).join('/')
  return { ...attempt, path: query === undefined ? replaced : `${replaced}?${query}` }
}

/** What comes of it: the answer's status or code, whether it tells of other things, and what it wrote. */
async function outcomeOf(field: IdField, role: Role, things: Things) {
  const id = things[thingOf(field)]
  if (id === undefined) throw new Error(`say in \`namesOf\` what ${title(field)} is an id of`)
  const { outcome, text } = await (field.part === 'data' ? emitted : requested)(field, role, id)
  const rows = await written()
  return { outcome, told: Object.values(things).filter(other => other !== id && text.includes(other)), rows }
}

async function requested(field: IdField, role: Role, id: string) {
  const [method = ''] = field.entry.split(' ')
  const row = otherBodies[field.entry]?.[field.within ?? field.name] ?? routes[field.entry]
  if (!row) throw new Error(`${field.entry} is not in the matrix`)
  const { path, body, options } = withId(await row.attempt(world, role), field, id)
  const { accessToken } = world.people[role === 'anonymous' ? 'outsider' : role]
  await written()
  const answer = await new Api(app.origin, accessToken).call(method, path, body, options)
  const isEmpty = answer.status === 200 && JSON.stringify(answer.body.data) === '[]'
  const outcome = isEmpty ? 'empty' : String(answer.status)
  return { outcome, text: JSON.stringify(answer.body) }
}

async function emitted({ entry, name }: IdField, role: Role, id: string) {
  const { accessToken } = world.people[role === 'anonymous' ? 'outsider' : role]
  const chat = await connectChat(app.origin, accessToken)
  const attempt = await events[entry]?.attempt(world, chat)
  await written()
  const answer = await chat.ask(entry, { ...Object(attempt), [name]: id })
  const text = JSON.stringify([answer, chat.heard.filter(({ event }) => event !== 'welcome')])
  chat.close()
  return { outcome: answer.ok ? 'ok' : answer.error.code, text }
}

/** What is not refused, and does nothing. */
const harmless: Record<string, string> = {
  'GET /projects/:projectId/tasks query.assigneeId': 'empty',
  'GET /projects/:projectId/tasks query.labelId': 'empty',
  'GET /projects/:projectId/tasks query.parentTaskId': 'empty',
  'DELETE /tasks/:taskId/assignees/:userId params.userId': '204',
  'channel:leave data.channelId': 'ok',
  'project:leave data.projectId': 'ok',
}

/** Refused, by a status or by a code, without a word of what it is about, and without a row written. */
const nothingOf = (name: string) => ({
  outcome: harmless[name] ?? expect.stringMatching(/^4\d\d$|^[A-Z_]+$/),
  told: [],
  rows: [],
})

const named = (fields: readonly IdField[]) => fields.map(field => [title(field), field] as const)

describe('an id from another workspace does nothing, and gives nothing away, even for an owner:', () => {
  test.each(named(idFields))('%s', async (name, field) => {
    expect(await outcomeOf(field, 'owner', foreign)).toEqual(nothingOf(name))
  })
})

// The first id of a path is what the matrix is about: it has the same guest.
const isFirst = ({ entry, part, name }: IdField) =>
  part === 'params' && entry.split('/:')[1]?.split('/')[0] === name

describe('nor does one from a place of the workspace that a guest does not see:', () => {
  const fields = idFields.filter(field => !isFirst(field) && !['userId', 'labelId'].includes(thingOf(field)))
  test.each(named(fields))('%s', async (name, field) => {
    expect(await outcomeOf(field, 'within', hidden)).toEqual(nothingOf(name))
  })
})

test('what is not refused is carried out, and its rows are seen', async () => {
  const field: IdField = {
    entry: 'POST /tasks/:taskId/reorder',
    part: 'params',
    name: 'taskId',
    isMany: false,
  }
  const { outcome, rows } = await outcomeOf(field, 'owner', { taskId: await world.task() })
  expect(outcome).toBe('200')
  expect(rows).toEqual(expect.arrayContaining(['workspaces', 'projects', 'tasks', 'activities']))
})
