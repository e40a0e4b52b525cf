import { randomInt, randomUUID } from 'node:crypto'
import { type Class, routesOf } from '@forinda/kickjs-core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { controllers } from '../src/app.js'
import { setOperator } from '../src/db/set-operator.js'
import { jsonSchema } from '../src/modules/openapi/json-schema.js'
import { attach } from './files/uploading.js'
import { catchUp } from './notifications/support.js'
import { Api, register, type TestUser, workspaceOf } from './support/api.js'
import { startApp, type TestApp } from './support/app.js'
import { type ChatClient, connectChat } from './support/chat.js'
import { newProject, newTask, race, rows, statementsOf } from './work/support.js'

// Each list is asked for with a few rows, and again with many more.
const [FEW, MORE] = [2, 10]

let app: TestApp
let ann: TestUser
let ben: TestUser
/** What the ids in the paths of the lists stand for. */
const ids: Record<string, string> = {}
const sockets: ChatClient[] = []

beforeAll(async () => {
  app = await startApp()
  ann = await register(app.origin, 'Ann')
  ben = await register(app.origin, 'Ben')
  await setOperator(app.database, ann.email, true)
})
beforeEach(async () => {
  const workspaceId = (await workspaceOf(ann, ben)).id
  const project = await newProject(ann, workspaceId)
  const task = await newTask(ann.api, project.id)
  const place = { name: 'talk', type: 'public' }
  const channel = await ann.api.data('POST', `/workspaces/${workspaceId}/channels`, place)
  const message = await ann.api.data('POST', `/channels/${channel.id}/messages`, { content: 'first' })
  Object.assign(ids, { workspaceId, projectId: project.id, taskId: task.id, key: task.key })
  Object.assign(ids, { channelId: channel.id, messageId: message.messageId })
})
afterAll(async () => {
  for (const chat of sockets) chat.close()
  await app.stop()
})

const filled = (path: string) => path.replace(/:(\w+)/g, (_, name) => ids[name] ?? '')
const post = (path: string, body: () => object) => (count: number) =>
  race(count, () => ann.api.data('POST', filled(path), body()))

/** New members of the workspace, past the API: to register takes its time. */
async function people(count: number): Promise<string[]> {
  const made = await rows(
    app,
    `insert into users (id, email, username, first_name, last_name, password_hash)
     select gen_random_uuid(), x || '@example.com', x, 'Some', 'Body', '' from (select md5(random()::text) as x from generate_series(1, $1)) n
     returning id`,
    [count],
  )
  for (const { id } of made)
    await rows(app, 'insert into workspace_members (workspace_id, user_id, role) values ($1, $2, $3)', [
      ids.workspaceId,
      id,
      'member',
    ])
  return made.map(({ id }) => id)
}

const newTasks = (count: number, fields: object = {}) =>
  race(count, () => newTask(ann.api, ids.projectId ?? '', fields))

/** Tasks with people and labels, on which something was said and to which something was added. */
async function fullTasks(count: number) {
  const color = '#1f6feb'
  const label = await ann.api.data('POST', filled('/workspaces/:workspaceId/labels'), {
    name: randomUUID(),
    color,
  })
  await race(count, async () => {
    const fields = { assigneeIds: [ann.id, ben.id], labelIds: [label.id], parentTaskId: ids.taskId }
    const { id } = await newTask(ann.api, ids.projectId ?? '', fields)
    await ann.api.data('POST', `/tasks/${id}/comments`, { content: `@${ben.user.username}` })
    await attach(ann.api, id)
  })
}

/** Messages with mentions, reactions and links, some of them replies. */
async function fullMessages(count: number) {
  await race(count, async n => {
    const content = `@${ben.user.username} ${ids.key}`
    const draft = { content, ...(n % 2 && { parentId: ids.messageId }) }
    const { messageId } = await ann.api.data('POST', filled('/channels/:channelId/messages'), draft)
    await ben.api.data('PUT', `/messages/${messageId}/reactions/${encodeURIComponent('👍')}`)
  })
}

async function visitors(count: number) {
  for (let n = 0; n < count; n++) {
    const user = await register(app.origin, 'Vis')
    await rows(app, 'insert into workspace_members (workspace_id, user_id, role) values ($1, $2, $3)', [
      ids.workspaceId,
      user.id,
      'member',
    ])
    sockets.push(await connectChat(app.origin, user.accessToken))
  }
}

async function notifications(count: number) {
  await race(count, async () => {
    const { id } = await newTask(ben.api, ids.projectId ?? '', { assigneeIds: [ann.id] })
    await ben.api.data('POST', `/tasks/${id}/comments`, { content: `@${ann.user.username}` })
  })
  await catchUp(app)
}

const signIns = (count: number) =>
  race(count, () =>
    new Api(app.origin).data('POST', '/auth/login', { email: ann.email, password: 'correct horse' }),
  )

const inChannel = async (count: number) => {
  for (const userId of await people(count))
    await ann.api.data('POST', filled('/channels/:channelId/members'), { userId })
}
const inProject = async (count: number) => {
  for (const userId of await people(count))
    await ann.api.data('PUT', filled(`/projects/:projectId/members/${userId}`))
}
const relations = async (count: number) => {
  for (const { id } of await newTasks(count))
    await ann.api.data('POST', filled('/tasks/:taskId/relations'), { kind: 'relates', taskId: id })
}

/** What makes each list longer, and what has to be asked for besides. */
const lists: Record<string, { grow(count: number): Promise<unknown>; query?: string }> = {
  '/auth/sessions': { grow: signIns },
  '/workspaces': { grow: post('/workspaces', () => ({ name: 'Another' })), query: 'limit=100' },
  '/workspaces/:workspaceId/members': { grow: people },
  '/workspaces/:workspaceId/invitations': {
    grow: post('/workspaces/:workspaceId/invite', () => ({
      email: `${randomUUID()}@example.com`,
      role: 'member',
    })),
  },
  '/workspaces/:workspaceId/projects': {
    grow: count => race(count, () => newProject(ann, ids.workspaceId ?? '')),
  },
  '/projects/:projectId/members': { grow: inProject },
  '/projects/:projectId/tasks': { grow: fullTasks },
  '/projects/:projectId/changes': { grow: fullTasks, query: 'since=0' },
  '/projects/:projectId/board': { grow: fullTasks },
  '/projects/:projectId/statuses': {
    grow: post('/projects/:projectId/statuses', () => ({
      key: `s_${randomInt(1e9)}`,
      name: 'More',
      group: 'started',
    })),
  },
  '/tasks/:taskId/subtasks': { grow: fullTasks },
  '/tasks/:taskId/relations': { grow: relations },
  '/tasks/:taskId/comments': {
    grow: post('/tasks/:taskId/comments', () => ({ content: `@${ben.user.username}` })),
  },
  '/tasks/:taskId/attachments': { grow: count => race(count, () => attach(ann.api, ids.taskId ?? '')) },
  '/tasks/:taskId/messages': { grow: fullMessages },
  '/workspaces/:workspaceId/labels': {
    grow: post('/workspaces/:workspaceId/labels', () => ({ name: randomUUID(), color: '#d73a4a' })),
  },
  '/workspaces/:workspaceId/activity': { grow: fullTasks },
  '/projects/:projectId/activity': { grow: fullTasks },
  '/tasks/:taskId/activity': {
    grow: count =>
      race(count, () => ann.api.data('PATCH', filled('/tasks/:taskId'), { title: randomUUID() })),
  },
  '/workspaces/:workspaceId/channels': {
    grow: post('/workspaces/:workspaceId/channels', () => ({ name: randomUUID(), type: 'public' })),
  },
  '/channels/:channelId/members': { grow: inChannel },
  '/channels/:channelId/messages': { grow: fullMessages },
  '/messages/channel/:channelId': { grow: fullMessages },
  '/channels/:channelId/changes': { grow: fullMessages, query: 'since=0' },
  '/messages/:messageId/thread': { grow: fullMessages },
  '/notifications': { grow: notifications },
  '/workspaces/:workspaceId/presence': { grow: visitors },
  '/workspaces/:workspaceId/search': {
    grow: count => newTasks(count, { title: 'A needle' }),
    query: 'q=needle',
  },
  '/admin/connections': { grow: visitors },
}

/** An array, or an object that holds arrays of things with ids: the changes of a sequence, the columns of a board. */
const isList = (text: string) =>
  text.startsWith('{"type":"array"') || /"(changes|columns)":\{"type":"array"/.test(text)

test('every list is among those whose statements are counted', () => {
  const found = controllers
    .flatMap((controller: Class) => routesOf(controller))
    .filter(({ method, schemas }) => method === 'get' && schemas.response)
    .filter(({ schemas }) =>
      isList(JSON.stringify(schemas.response && jsonSchema(schemas.response, 'output'))),
    )
  expect(found.map(({ path }) => path).sort()).toEqual(Object.keys(lists).sort())
})

/** The rows of a list, wherever they are in the answer. */
function rowsOf({ changes, columns, ...data }: Record<string, unknown[]> & { length?: number }): number {
  if (changes) return changes.length
  if (columns) return columns.flatMap(column => Object(column).tasks).length
  return Object.keys(data).length
}

test.each(Object.entries(lists))(
  '%s costs as many statements, however many rows it gives',
  async (path, list) => {
    const { grow, query = '' } = list
    let length = 0
    const cost = () =>
      statementsOf(app, async () => {
        const answer = await ann.api.get(filled(query === undefined ? path : `${path}?${query}`))
        length = rowsOf(answer.body.data)
        return answer
      })
    await grow(FEW)
    const few = await cost()
    const before = length
    expect(before).toBeGreaterThan(0)
    await grow(MORE)
    expect(await cost()).toBe(few)
    expect(length).toBeGreaterThan(before)
    expect(few).toBeLessThanOrEqual(4)
  },
)
