import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Bus } from '../../src/cluster/bus.js'
import type { Notification } from '../../src/modules/notifications/notifications.contract.js'
import { Notifier } from '../../src/modules/notifications/notifier.js'
import { type Nodes, startNodes, until } from '../cluster/nodes.js'
import { Api, register, type TestUser, workspaceOf } from '../support/api.js'
import type { TestApp } from '../support/app.js'
import { connectChat } from '../support/chat.js'
import { heard, newProject, newTask, race, rows } from '../work/support.js'
import { NotificationStream, notificationsOf } from './support.js'

let cluster: Nodes
let here: TestApp
let there: TestApp
let ann: TestUser
let ben: TestUser
let workspaceId: string
let project: { id: string }

beforeAll(async () => {
  cluster = await startNodes(2)
  const [one, other] = cluster.nodes
  if (!one || !other) throw new Error('there are not two nodes')
  ;[here, there] = [one, other]
  const isUp = () => cluster.nodes.every(({ container }) => container.resolve(Bus).state === 'up')
  await until(isUp, 'the bus')
})
afterAll(() => cluster.stop())
beforeEach(async () => {
  ;[ann, ben] = [await register(here.origin, 'Ann'), await register(here.origin, 'Ben')]
  workspaceId = (await workspaceOf(ann, ben)).id
  project = await newProject(ann, workspaceId)
})

/** Both nodes at once, again and again, look at all there is. */
const catchUpTogether = (times = 1) =>
  race(2 * times, n => (n % 2 ? here : there).container.resolve(Notifier).catchUp())

const upTo = (last: number) => Array.from({ length: last }, (_, n) => n + 1)

describe('two nodes', () => {
  test('make each notification once, in one sequence for each user', async () => {
    await catchUpTogether()
    const created = [heard(here, 'notification.created'), heard(there, 'notification.created')]
    const channel = { name: 'general', type: 'public' }
    const { id: channelId } = await ann.api.data('POST', `/workspaces/${workspaceId}/channels`, channel)
    await ben.api.data('PUT', `/channels/${channelId}/notifications`, { level: 'all' })
    const at = `@${ben.user.username}`
    let isDone = false
    const looking = (async () => {
      while (!isDone) await catchUpTogether(2)
    })()
    await race(30, async n => {
      const api = new Api(n % 2 ? here.origin : there.origin, ann.accessToken)
      const task = await newTask(api, project.id, { assigneeIds: [ben.id] })
      await api.data('POST', `/tasks/${task.id}/comments`, { content: at })
      const content = n % 3 ? `message ${n}` : `message ${n} ${at}`
      await api.data('POST', `/channels/${channelId}/messages`, { content })
    })
    isDone = true
    await looking
    await catchUpTogether()
    const all = await rows(here, 'select type, seq from notifications where user_id = $1 order by seq', [
      ben.id,
    ])
    expect(all.map(({ seq }) => seq)).toEqual(upTo(90))
    const counts = Object.fromEntries(
      ['task.assigned', 'comment.mentioned', 'message.mentioned', 'message.sent'].map(type => [
        type,
        all.filter(one => one.type === type).length,
      ]),
    )
    expect(counts).toEqual({
      'task.assigned': 30,
      'comment.mentioned': 30,
      'message.mentioned': 10,
      'message.sent': 20,
    })
    // Each node hears of each of them, and so do the sockets of each.
    await until(() => created.every(events => events.length >= 90), 'the events')
    for (const events of created)
      expect(events.map(({ seq }) => seq).toSorted((a, b) => a - b)).toEqual(upTo(90))
  })

  test('tell the sockets and streams of both', async () => {
    await catchUpTogether()
    const chats = await Promise.all([here, there].map(({ origin }) => connectChat(origin, ben.accessToken)))
    const streams = [here, there].map(({ origin }) => new NotificationStream(ben, '', undefined, origin))
    await Promise.all(streams.map(stream => stream.ready()))
    const task = await newTask(ann.api, project.id, { assigneeIds: [ben.id] })
    await there.container.resolve(Notifier).catchUp()
    const isIt = ({ taskId }: Notification) => taskId === task.id
    for (const chat of chats) await chat.next('notification:new', isIt)
    for (const stream of streams) await stream.next(isIt)
    for (const client of [...chats, ...streams]) client.close()
  })

  test('leave to each other what one is at, and go past it', async () => {
    await catchUpTogether()
    const { id: other } = await workspaceOf(ann, ben)
    const elsewhere = await newProject(ann, other)
    await catchUpTogether()
    const client = await here.database.pool.connect()
    try {
      await client.query('begin')
      await client.query('select * from notification_progress where workspace_id = $1 for update', [
        workspaceId,
      ])
      const held = await newTask(ann.api, project.id, { assigneeIds: [ben.id] })
      const free = await newTask(ann.api, elsewhere.id, { assigneeIds: [ben.id] })
      await catchUpTogether()
      const told = async () => (await notificationsOf(ben)).map(({ taskId }) => taskId)
      expect(await told()).toContain(free.id)
      expect(await told()).not.toContain(held.id)
      await client.query('commit')
      await catchUpTogether()
      expect((await told()).filter(taskId => taskId === held.id)).toHaveLength(1)
    } finally {
      client.release()
    }
  })
})
