import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { NotificationsService } from '../../src/modules/notifications/notifications.service.js'
import { register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { newProject, newTask, race, rows } from '../work/support.js'
import { notificationsOf } from './support.js'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

describe.each(['postgres', 'embedded'] as const)('reminders, on %s,', on => {
  let app: TestApp
  let ann: TestUser
  let project: { id: string }

  beforeAll(async () => {
    app = await startApp({ on })
  })
  afterAll(() => app.stop())
  beforeEach(async () => {
    ann = await register(app.origin, 'Ann')
    project = await newProject(ann, (await workspaceOf(ann)).id)
    await rows(app, 'update tasks set due_date = null')
  })

  const service = () => app.container.resolve(NotificationsService)
  const liveIn = (timeZone: string) => ann.api.data('PATCH', '/users/me', { timeZone })
  const due = (dueDate: string, fields: object = {}) => newTask(ann.api, project.id, { dueDate, ...fields })

  // The day of the date, by the clock of the one who is told, and the moment at which it is over.
  test.each([
    ['UTC', '2026-01-31T12:00:00Z', '2026-02-01T00:00:00Z'],
    ['America/New_York', '2026-01-31T12:00:00Z', '2026-02-01T05:00:00Z'],
    ['America/New_York', '2026-02-01T04:59:00Z', '2026-02-01T05:00:00Z'],
    ['America/New_York', '2026-02-01T05:00:00Z', '2026-02-02T05:00:00Z'],
    ['Pacific/Kiritimati', '2026-01-31T12:00:00Z', '2026-02-01T10:00:00Z'],
    ['Asia/Kathmandu', '2026-01-31T12:00:00Z', '2026-01-31T18:15:00Z'],
    // Clocks go forward in the night to the 29th, so that day has 23 hours.
    ['Europe/Berlin', '2026-03-28T12:00:00Z', '2026-03-28T23:00:00Z'],
    ['Europe/Berlin', '2026-03-29T12:00:00Z', '2026-03-29T22:00:00Z'],
    // And back on the 25th, which has 25.
    ['Europe/Berlin', '2026-10-24T21:59:00Z', '2026-10-24T22:00:00Z'],
    ['Europe/Berlin', '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z'],
    // Here midnight itself is left out: the day begins at one.
    ['Africa/Cairo', '2026-04-23T12:00:00Z', '2026-04-23T22:00:00Z'],
    ['America/Santiago', '2026-09-05T12:00:00Z', '2026-09-06T04:00:00Z'],
  ])('to %s of what was due at %s come at %s', async (timeZone, dueDate, over) => {
    await liveIn(timeZone)
    await due(dueDate)
    expect(await service().remindOfOverdue(Date.parse(over) - 1)).toBe(0)
    expect(await service().remindOfOverdue(Date.parse(over))).toBe(1)
    expect(await service().remindOfOverdue(Date.parse(over) + HOUR)).toBe(0)
  })

  test('go to each by his own clock', async () => {
    const ben = await register(app.origin, 'Ben')
    const { id } = await workspaceOf(ann, ben)
    const shared = await newProject(ann, id)
    await liveIn('Asia/Tokyo')
    await ben.api.data('PATCH', '/users/me', { timeZone: 'America/Los_Angeles' })
    const task = await newTask(ann.api, shared.id, {
      dueDate: '2026-01-31T12:00:00Z',
      assigneeIds: [ann.id, ben.id],
    })
    const told = async (user: TestUser) =>
      (await notificationsOf(user)).filter(
        ({ type, taskId }) => type === 'task.overdue' && taskId === task.id,
      )
    await service().remindOfOverdue(Date.parse('2026-01-31T15:00:00Z'))
    expect([await told(ann), await told(ben)]).toMatchObject([[{ data: { dueDate: task.dueDate } }], []])
    await service().remindOfOverdue(Date.parse('2026-02-01T08:00:00Z'))
    expect([await told(ann), await told(ben)]).toMatchObject([[{}], [{}]])
  })

  test('do not fail for a time zone that the database does not know', async () => {
    await rows(app, `update users set time_zone = 'Mars/Olympus' where id = $1`, [ann.id])
    await due('2026-01-31T12:00:00Z')
    expect(await service().remindOfOverdue(Date.parse('2026-02-01T00:00:00Z'))).toBe(1)
  })

  test('of what is due soon come once, in the 24 hours before', async () => {
    const date = Date.parse('2026-03-29T12:00:00Z')
    const task = await due('2026-03-29T12:00:00Z', { title: 'Soon' })
    expect(await service().remindOfDueSoon(date - 24 * HOUR - 1)).toBe(0)
    expect(await service().remindOfDueSoon(date - 24 * HOUR)).toBe(1)
    expect(await service().remindOfDueSoon(date - HOUR)).toBe(0)
    expect((await notificationsOf(ann)).at(-1)).toMatchObject({
      type: 'task.due_soon',
      actor: null,
      taskId: task.id,
      data: { key: task.key, title: 'Soon', dueDate: task.dueDate },
    })
    await ann.api.data('PATCH', `/tasks/${task.id}`, { dueDate: '2026-04-29T12:00:00Z' })
    expect(await service().remindOfDueSoon(Date.parse('2026-04-29T00:00:00Z'))).toBe(1)
    await due('2026-05-01T12:00:00Z')
    expect(await service().remindOfDueSoon(Date.parse('2026-05-01T12:00:01Z'))).toBe(0)
  })

  test('do not come to who does not watch, or has muted them', async () => {
    const date = Date.parse('2026-01-31T12:00:00Z')
    const task = await due('2026-01-31T12:00:00Z')
    await ann.api.data('DELETE', `/tasks/${task.id}/watch`)
    expect(await service().remindOfDueSoon(date - HOUR)).toBe(0)
    await ann.api.data('PUT', `/tasks/${task.id}/watch`)
    await ann.api.data('PATCH', '/notifications/settings', { mutedTypes: ['task.due_soon'] })
    expect(await service().remindOfDueSoon(date - HOUR)).toBe(0)
    expect(await service().remindOfOverdue(date + 24 * HOUR)).toBe(1)
  })

  test('of many tasks come in order, each once, however many nodes are at it', async () => {
    for (let n = 0; n < 3; n++) await due('2026-01-31T12:00:00Z')
    await rows(
      app,
      `insert into tasks (id, workspace_id, project_id, number, title, status, reporter_id, rank, seq, due_date)
       select gen_random_uuid(), workspace_id, project_id, 100 + n, title, status, reporter_id, 'z' || n, 100 + n, due_date
       from tasks, generate_series(1, 1200) n where project_id = $1 and number = 1`,
      [project.id],
    )
    const recorded = await race(4, () => service().remindOfOverdue(Date.parse('2026-02-01T00:00:00Z')))
    expect(recorded.reduce((sum, count) => sum + count)).toBe(1203)
    const text =
      'select count(*), max(seq), count(distinct task_id) as tasks from notifications where user_id = $1'
    expect(await rows(app, text, [ann.id])).toEqual([{ count: 1203, max: 1203, tasks: 1203 }])
  })
})
