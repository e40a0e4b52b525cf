import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MessageBatch } from '../../src/modules/messages/message-batch.js'
import type { Message } from '../../src/modules/messages/messages.contract.js'
import { taskKeysIn } from '../../src/modules/messages/task-links/task-keys.js'
import type { Task } from '../../src/modules/tasks/tasks.contract.js'
import { channelIn, registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { connectChat } from '../support/chat.js'
import { newProject, newTask, race, rows, statementsOf } from '../work/support.js'

let app: TestApp
let ann: TestUser
let ben: TestUser
let guest: TestUser
let workspaceId: string
let channelId: string
let task: Task
let other: Task

beforeAll(async () => {
  app = await startApp()
  ;[ann, ben, guest] = await registerAll(app.origin, 'Ann', 'Ben', 'Gus')
  workspaceId = (await workspaceOf(ann, ben, [guest, 'guest'])).id
  channelId = await newChannel()
  await ann.api.data('POST', `/channels/${channelId}/members`, { userId: guest.id })
  task = await taskIn(workspaceId)
  other = await taskIn(workspaceId)
})
afterAll(() => app.stop())

const taskIn = async (workspace: string, user = ann) =>
  newTask(user.api, (await newProject(user, workspace)).id, { title: 'Secret plan' })

const newChannel = (type = 'public', user = ann) => channelIn(user, workspaceId, type)
const send = (content: string, user = ann, channel = channelId): Promise<Message> =>
  user.api.data('POST', `/channels/${channel}/messages`, { content })
const linkTo = ({ id, key }: Task) => ({ taskId: id, key })
const naming = async ({ id }: Task, user = ann): Promise<string[]> =>
  (await user.api.data('GET', `/tasks/${id}/messages`)).map(({ content }: Message) => content)

describe('a key in a text', () => {
  test.each([
    ['ENG-42', ['ENG-42']],
    ['see ENG-42, (OPS-7) and "A1-3".', ['ENG-42', 'OPS-7', 'A1-3']],
    ['https://example.com/browse/ENG-42?x=1', ['ENG-42']],
    ['ENG-42 again ENG-42', ['ENG-42']],
    ['für-ENG-42, XENG-42x, ENG-42-fix, eng-42, ENG-042, ENG-0, E-1, ENG-4x, _ENG-4', []],
    ['ABCDEFGHIJK-1 and ENG-12345678901', []],
    ['nothing - here', []],
  ])('%s: %j', (text, keys) => {
    expect(taskKeysIn(text)).toEqual(keys)
  })

  test('is looked up for the first 50 alone', () => {
    expect(taskKeysIn(Array.from({ length: 60 }, (_, n) => `ENG-${n + 1}`).join(' '))).toHaveLength(50)
  })

  test('is found in no time in whatever text', () => {
    const started = performance.now()
    for (const text of ['A'.repeat(40_000), 'A-'.repeat(20_000), 'AA-1-'.repeat(8_000), '-'.repeat(40_000)])
      taskKeysIn(text)
    expect(performance.now() - started).toBeLessThan(500)
  })
})

describe('a message that names tasks', () => {
  test('links to them in the order of the text, and is found from each of them', async () => {
    const content = `${other.key} before ${task.key}, not ${task.key}0 or NOPE-1`
    const chat = await connectChat(app.origin, ben.accessToken)
    await chat.data('channel:join', { channelId })
    const message = await send(content)
    expect(message.tasks).toEqual([linkTo(other), linkTo(task)])
    expect(await ann.api.data('GET', `/messages/${message.messageId}`)).toEqual(message)
    expect(await chat.next('message:new')).toEqual(message)
    expect(await ben.api.data('GET', `/tasks/${task.id}/messages`)).toEqual([message])
    expect(await naming(other)).toEqual([content])
    chat.close()
  })

  test('keeps its links up when it is edited, and loses them when it is deleted', async () => {
    const [one, two] = [await taskIn(workspaceId), await taskIn(workspaceId)]
    const { messageId } = await send(`look at ${one.key}`)
    const chat = await connectChat(app.origin, ben.accessToken)
    await chat.data('channel:join', { channelId })
    const edited = await ann.api.data('PATCH', `/messages/${messageId}`, { content: `or at ${two.key}` })
    expect(edited.tasks).toEqual([linkTo(two)])
    expect(await chat.next('message:edited')).toMatchObject({ tasks: [linkTo(two)] })
    expect([await naming(one), await naming(two)]).toEqual([[], [`or at ${two.key}`]])
    await ann.api.delete(`/messages/${messageId}`)
    expect(await naming(two)).toEqual([])
    expect((await ann.api.data('GET', `/messages/${messageId}`)).tasks).toEqual([])
    expect(await rows(app, 'select from message_task_links where message_id = $1', [messageId])).toEqual([])
    chat.close()
  })

  test('links to no task of another workspace, to none that is gone, and to none in a project that is', async () => {
    const elsewhere = await taskIn((await workspaceOf(ann)).id)
    const gone = await taskIn(workspaceId)
    await ann.api.delete(`/tasks/${gone.id}`)
    const inGone = await taskIn(workspaceId)
    await ann.api.delete(`/projects/${inGone.projectId}`)
    const { tasks, messageId } = await send(`${elsewhere.key} ${gone.key} ${inGone.key}`)
    expect(tasks).toEqual([])
    const content = `now ${elsewhere.key} ${gone.key} ${inGone.key}`
    expect((await ann.api.data('PATCH', `/messages/${messageId}`, { content })).tasks).toEqual([])
  })

  test('links to what its author sees: a guest finds out nothing by writing keys', async () => {
    expect((await send(`is there ${task.key}?`, guest)).tasks).toEqual([])
    const { messageId } = await send('nothing', guest)
    const content = `is there ${task.key}?`
    expect((await guest.api.data('PATCH', `/messages/${messageId}`, { content })).tasks).toEqual([])
    const his = await taskIn(workspaceId)
    await ann.api.data('PUT', `/projects/${his.projectId}/members/${guest.id}`)
    expect((await send(`at work on ${his.key}`, guest)).tasks).toEqual([linkTo(his)])
    expect(await naming(his, guest)).toEqual([`at work on ${his.key}`])
  })

  test('tells a guest who does not see the task its key and its id, and nothing more', async () => {
    const { messageId } = await send(`for you: ${task.key}`)
    const { body } = await guest.api.get(`/messages/${messageId}`)
    expect(body.data.tasks).toEqual([linkTo(task)])
    expect(JSON.stringify(body)).not.toContain('Secret plan')
    expect((await guest.api.get(`/tasks/${task.id}`)).status).toBe(404)
    expect((await guest.api.get(`/tasks/${task.id}/messages`)).status).toBe(404)
  })

  test('in one burst with others gets its own links', async () => {
    const channel = await newChannel()
    const sent = await race(50, n =>
      send([`${task.key}`, 'plain', `${other.key} ${task.key}`][n % 3] ?? '', ann, channel),
    )
    const expected = [[linkTo(task)], [], [linkTo(other), linkTo(task)]]
    expect(sent.map(({ tasks }) => tasks)).toEqual(sent.map((_, n) => expected[n % 3]))
    const [{ count }] = await rows(app, 'select count(*) from message_task_links where channel_id = $1', [
      channel,
    ])
    expect(count).toBe(17 + 16 * 2)
  })

  test('that is edited 50 times at once ends with the links of its last text', async () => {
    const { messageId } = await send('nothing')
    await race(50, n => ann.api.patch(`/messages/${messageId}`, { content: n % 2 ? task.key : other.key }))
    const { content, tasks }: Message = await ann.api.data('GET', `/messages/${messageId}`)
    expect(tasks.map(({ key }) => key)).toEqual([content])
    const links = await rows(app, 'select task_id from message_task_links where message_id = $1', [messageId])
    expect(links).toEqual(tasks.map(({ taskId }) => ({ task_id: taskId })))
  })
})

describe('the messages of a task', () => {
  test('are those in the channels that the reader sees', async () => {
    const subject = await taskIn(workspaceId)
    const [open, secret] = [await newChannel(), await newChannel('private', ben)]
    await send(`open ${subject.key}`, ann, open)
    await send(`secret ${subject.key}`, ben, secret)
    expect(await naming(subject, ben)).toEqual([`secret ${subject.key}`, `open ${subject.key}`])
    expect(await naming(subject, ann)).toEqual([`open ${subject.key}`])
    await ann.api.data('PUT', `/projects/${subject.projectId}/members/${guest.id}`)
    expect(await naming(subject, guest)).toEqual([])
    await ben.api.data('POST', `/channels/${secret}/members`, { userId: ann.id })
    expect(await naming(subject, ann)).toHaveLength(2)
    await ann.api.delete(`/channels/${open}`)
    expect(await naming(subject, ann)).toEqual([`secret ${subject.key}`])
  })

  test('come in pages from the newest on, each once, also where times tie', async () => {
    const subject = await taskIn(workspaceId)
    const draft = { senderId: ann.id, sessionId: undefined, parentId: null, channelId }
    const drafts = Array.from({ length: 12 }, (_, n) => ({
      ...draft,
      id: randomUUID(),
      content: `${subject.key} ${n}`,
    }))
    await app.container.resolve(MessageBatch).store(drafts, 'wait')
    await rows(
      app,
      `update messages set created_at = date_trunc('minute', created_at) where content like $1`,
      [`${subject.key} %`],
    )
    await rows(
      app,
      `update message_task_links l set sent_at = m.created_at from messages m where m.id = l.message_id`,
    )
    const seen: string[] = []
    for (let cursor = ''; ; ) {
      const { body } = await ann.api.get(`/tasks/${subject.id}/messages?limit=5${cursor}`)
      seen.push(...body.data.map(({ messageId }: Message) => messageId))
      if (body.meta.nextCursor === null) break
      cursor = `&cursor=${body.meta.nextCursor}`
      await send(`meanwhile ${subject.key}`)
    }
    expect(new Set(seen).size).toBe(12)
    expect(seen).toHaveLength(12)
    expect((await naming(subject)).slice(0, 2)).toEqual([
      `meanwhile ${subject.key}`,
      `meanwhile ${subject.key}`,
    ])
  })

  test('cost as many statements for many as for none', async () => {
    const [none, many] = [await taskIn(workspaceId), await taskIn(workspaceId)]
    await race(30, () => send(many.key))
    const cost = ({ id }: Task) => statementsOf(app, () => ann.api.get(`/tasks/${id}/messages`))
    expect(await cost(many)).toBe(await cost(none))
  })

  test.each(['garbage', 'WyJ0YXNrLW1lc3NhZ2VzIiwieCIsInkiXQ'])('refuse the cursor %s', async cursor => {
    const { status, body } = await ann.api.get(`/tasks/${task.id}/messages?cursor=${cursor}`)
    expect([status, body.code]).toEqual([422, 'INVALID_CURSOR'])
  })
})

test('a link between workspaces is impossible, whoever writes it', async () => {
  const elsewhere = await taskIn((await workspaceOf(ann)).id)
  const { messageId } = await send('hello')
  const link = (workspace: string) =>
    rows(app, 'insert into message_task_links values ($1, $2, $3, $4, now())', [
      workspace,
      channelId,
      messageId,
      elsewhere.id,
    ])
  await expect(link(workspaceId)).rejects.toThrow(/foreign key/)
  await expect(link(elsewhere.workspaceId)).rejects.toThrow(/foreign key/)
})

test('sends cost one statement, with and without keys', async () => {
  const cost = async (content: string) => {
    const costs: number[] = []
    for (let attempt = 0; attempt < 5; attempt++) {
      const before = app.statements()
      await send(content)
      costs.push(app.statements() - before)
    }
    return Math.min(...costs)
  }
  expect(await cost(`now ${task.key} and ${other.key}`)).toBe(await cost('plain'))
})
