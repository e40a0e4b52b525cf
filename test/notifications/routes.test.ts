import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Notification } from '../../src/modules/notifications/notifications.contract.js'
import { register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { newProject, newTask, problemOf, race, rows, statementsOf } from '../work/support.js'
import { catchUp, notificationsOf } from './support.js'

let app: TestApp
let ann: TestUser
let ben: TestUser
let workspaceId: string
let project: { id: string }

beforeAll(async () => {
  app = await startApp()
  ann = await register(app.origin, 'Ann')
})
afterAll(() => app.stop())
beforeEach(async () => {
  ben = await register(app.origin, 'Ben')
  workspaceId = (await workspaceOf(ann, ben)).id
  project = await newProject(ann, workspaceId)
  await rows(app, 'delete from notifications')
  await rows(app, 'delete from notification_sequences')
})

/** Some notifications for ben: their titles say which. */
async function notify(count: number) {
  for (let n = 1; n <= count; n++)
    await newTask(ann.api, project.id, { title: `Task ${n}`, assigneeIds: [ben.id] })
  await catchUp(app)
}
const count = async () => (await ben.api.data('GET', '/notifications/unread-count')).count
const read = ({ id }: Notification, { api } = ben) => api.patch(`/notifications/${id}/read`)

describe('the list of notifications', () => {
  test('is in pages, the latest first', async () => {
    await notify(5)
    const seqs: number[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const { body } = await ben.api.get(`/notifications?limit=2${cursor && `&cursor=${cursor}`}`)
      seqs.push(...body.data.map(({ seq }: Notification) => seq))
      cursor = body.meta.nextCursor
    }
    expect(seqs).toEqual([5, 4, 3, 2, 1])
  })

  test('can be narrowed down to what is unread, or to what is read', async () => {
    await notify(3)
    const [first, second] = await notificationsOf(ben)
    if (!first || !second) throw new Error('nothing was told')
    await read(second)
    const listed = async (unread: boolean) =>
      (await ben.api.data('GET', `/notifications?unread=${unread}`)).map(({ seq }: Notification) => seq)
    expect(await listed(true)).toEqual([3, 1])
    expect(await listed(false)).toEqual([2])
    expect(problemOf(await ben.api.get('/notifications?unread=yes'))).toBe(
      '422 VALIDATION_ERROR query.unread',
    )
  })

  test('takes no cursor of another list', async () => {
    await notify(2)
    const { body } = await ben.api.get('/notifications?limit=1')
    const path = `/notifications?unread=true&cursor=${body.meta.nextCursor}`
    expect(problemOf(await ben.api.get(path))).toBe('422 INVALID_CURSOR')
  })

  test('and the count cost the same for any number', async () => {
    const costs = async () => [
      await statementsOf(app, () => ben.api.get('/notifications')),
      await statementsOf(app, () => ben.api.get('/notifications?unread=true')),
      await statementsOf(app, () => ben.api.get('/notifications/unread-count')),
    ]
    const none = await costs()
    await notify(30)
    expect(await costs()).toEqual(none)
  })
})

describe('what is unread', () => {
  test('is counted, one fewer for each that is read, however often', async () => {
    await notify(3)
    const [first] = await notificationsOf(ben)
    if (!first) throw new Error('nothing was told')
    expect(await count()).toBe(3)
    const { status, body } = await read(first)
    expect([status, body.data]).toEqual([200, { ...first, readAt: expect.stringMatching(/Z$/) }])
    expect((await read(first)).body.data).toEqual(body.data)
    expect(await count()).toBe(2)
  })

  test('is nothing after all of it was read, and then what came later', async () => {
    await notify(3)
    expect(await ben.api.data('POST', '/notifications/read-all')).toEqual({ count: 0 })
    await notify(1)
    expect(await count()).toBe(1)
    const unread = (await notificationsOf(ben)).filter(({ readAt }) => readAt === null)
    expect(unread.map(({ seq }) => seq)).toEqual([4])
  })

  test('is right when fifty read at once, one by one and all, while others come', async () => {
    await notify(10)
    const all = await notificationsOf(ben)
    const answers = await race(50, async n => {
      if (n % 10 === 9) return ben.api.post('/notifications/read-all')
      if (n % 10 === 8) await newTask(ann.api, project.id, { assigneeIds: [ben.id] }).then(() => catchUp(app))
      const one = all[n % 8]
      if (!one) throw new Error('nothing was told')
      return read(one)
    })
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    await catchUp(app)
    const [{ unread }] = await rows(
      app,
      'select count(*) as unread from notifications where user_id = $1 and read_at is null',
      [ben.id],
    )
    expect(await count()).toBe(unread)
    const seqs = (await notificationsOf(ben)).map(({ seq }) => seq)
    expect(seqs).toEqual(Array.from({ length: 15 }, (_, n) => n + 1))
  })

  test('is counted up to a thousand', async () => {
    await notify(1)
    await rows(
      app,
      `insert into notifications (id, user_id, seq, workspace_id, type, task_id, data, dedupe_key)
       select gen_random_uuid(), user_id, n, workspace_id, type, task_id, data, n::text
       from notifications, generate_series(2, 1200) n where user_id = $1`,
      [ben.id],
    )
    expect(await count()).toBe(1000)
  })
})

test('nobody reads what is not his, or is not there', async () => {
  await notify(1)
  const [his] = await notificationsOf(ben)
  if (!his) throw new Error('nothing was told')
  expect(problemOf(await read(his, ann))).toBe('404 NOTIFICATION_NOT_FOUND')
  expect(problemOf(await read({ ...his, id: workspaceId }))).toBe('404 NOTIFICATION_NOT_FOUND')
  expect(problemOf(await read({ ...his, id: 'x' }))).toBe('422 VALIDATION_ERROR params.notificationId')
  expect(await count()).toBe(1)
})

describe('the settings', () => {
  const path = '/notifications/settings'

  test('are what is said, and until then that mails come and digests do not', async () => {
    const unsaid = { email: true, digest: false, mutedTypes: [] }
    expect(await ben.api.data('GET', path)).toEqual(unsaid)
    const muted = { mutedTypes: ['task.commented', 'message.sent'] }
    expect(await ben.api.data('PATCH', path, muted)).toEqual({ ...unsaid, ...muted })
    expect(await ben.api.data('PATCH', path, { digest: true })).toEqual({ ...unsaid, ...muted, digest: true })
    expect(await ben.api.data('PATCH', path, { mutedTypes: [], email: false })).toEqual({
      email: false,
      digest: true,
      mutedTypes: [],
    })
    expect(await ann.api.data('GET', path)).toEqual(unsaid)
  })

  test.each([
    [{}, '422 VALIDATION_ERROR body'],
    [{ email: 'yes' }, '422 VALIDATION_ERROR body.email'],
    [{ mutedTypes: ['task.exploded'] }, '422 VALIDATION_ERROR body.mutedTypes.0'],
    [{ mutedTypes: ['task.assigned', 'task.assigned'] }, '422 VALIDATION_ERROR body.mutedTypes'],
    [{ email: true, nope: 1 }, '422 VALIDATION_ERROR body.nope'],
  ])('take no %j', async (body, problem) => {
    expect(problemOf(await ben.api.patch(path, body))).toBe(problem)
  })

  test('of a channel are one of three levels', async () => {
    const given = { name: 'general', type: 'public' }
    const { id } = await ann.api.data('POST', `/workspaces/${workspaceId}/channels`, given)
    const answer = await ben.api.put(`/channels/${id}/notifications`, { level: 'loud' })
    expect(problemOf(answer)).toBe('422 VALIDATION_ERROR body.level')
  })

  test('of a channel go with the membership', async () => {
    const given = { name: 'general', type: 'public' }
    const { id } = await ann.api.data('POST', `/workspaces/${workspaceId}/channels`, given)
    await ben.api.data('PUT', `/channels/${id}/notifications`, { level: 'all' })
    await ann.api.data('DELETE', `/workspaces/${workspaceId}/members/${ben.id}`)
    expect(await rows(app, 'select * from channel_notification_settings')).toEqual([])
  })
})
