import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { NotificationsService } from '../../src/modules/notifications/notifications.service.js'
import type { Task } from '../../src/modules/tasks/tasks.contract.js'
import { register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { newProject, newTask, race, rows } from '../work/support.js'

const DUE = '2026-01-31T12:00:00.000Z'
/** Everybody here is in UTC: the last moment of that day, and the first of the next one. */
const before = Date.parse('2026-01-31T23:59:59.999Z')
const after = before + 1

describe.each(['postgres', 'embedded'] as const)('reminders of overdue tasks, on %s', on => {
  let app: TestApp
  let owner: TestUser
  let member: TestUser
  let guest: TestUser
  let workspace: { id: string }
  let project: { id: string }

  beforeAll(async () => {
    app = await startApp({ on })
    owner = await register(app.origin, 'Owner')
    member = await register(app.origin, 'Member')
    guest = await register(app.origin, 'Guest')
  })
  afterAll(() => app.stop())
  beforeEach(async () => {
    workspace = await workspaceOf(owner, member, [guest, 'guest'])
    project = await newProject(owner, workspace.id)
    // What other tests left to be told.
    await remind(after)
  })

  const remind = (now: number) => app.container.resolve(NotificationsService).remindOfOverdue(now)
  const due = (fields: object = {}) => newTask(owner.api, project.id, { dueDate: DUE, ...fields })
  const told = (task: Task) =>
    rows(app, `select * from notifications where task_id = $1 and type = 'task.overdue' order by id`, [
      task.id,
    ])
  const people = async (task: Task) => (await told(task)).map(({ user_id }) => user_id)

  test('go once to each assignee', async () => {
    const task = await due({ assigneeIds: [owner.id, member.id] })
    expect(await remind(after)).toBe(2)
    expect((await people(task)).sort()).toEqual([owner.id, member.id].sort())
    expect(await remind(after + 60_000)).toBe(0)
    expect(await told(task)).toHaveLength(2)
  })

  test('say what they are about', async () => {
    const task = await due({ title: 'Ship it' })
    await remind(after)
    expect(await told(task)).toMatchObject([
      {
        user_id: owner.id,
        workspace_id: workspace.id,
        type: 'task.overdue',
        actor_id: null,
        data: { key: task.key, title: 'Ship it', dueDate: DUE },
        dedupe_key: `overdue:${task.id}:${DUE}`,
        read_at: null,
      },
    ])
  })

  test('have ids that sort by the time they were made, as all ids', async () => {
    const task = await due()
    const from = Date.now()
    await remind(after)
    const [{ id }] = await told(task)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    const made = Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)
    expect(Math.abs(made - from)).toBeLessThan(60_000)
  })

  test('go to the reporter where nobody is assigned', async () => {
    const task = await due()
    await remind(after)
    expect(await people(task)).toEqual([owner.id])
  })

  test('come again for a new due date', async () => {
    const task = await due()
    await remind(after)
    await owner.api.data('PATCH', `/tasks/${task.id}`, { dueDate: '2026-02-01T12:00:00.000Z' })
    await remind(after)
    expect(await told(task)).toHaveLength(1)
    await remind(Date.parse('2026-02-02T00:00:00.000Z'))
    expect(await told(task)).toHaveLength(2)
  })

  test('do not come before the time', async () => {
    await due()
    expect(await remind(before)).toBe(0)
  })

  test.each(['done', 'cancelled'])('leave out a task that is %s', async status => {
    await due({ status })
    expect(await remind(after)).toBe(0)
  })

  test('leave out what was deleted: task, project and workspace', async () => {
    const task = await due()
    await owner.api.data('DELETE', `/tasks/${task.id}`)
    const gone = await newProject(owner, workspace.id)
    await newTask(owner.api, gone.id, { dueDate: DUE })
    await owner.api.data('DELETE', `/projects/${gone.id}`)
    const elsewhere = await workspaceOf(owner)
    const lost = await newProject(owner, elsewhere.id)
    await newTask(owner.api, lost.id, { dueDate: DUE })
    await owner.api.data('DELETE', `/workspaces/${elsewhere.id}`)
    expect(await remind(after)).toBe(0)
  })

  test('do not go to who does not see the project any more', async () => {
    await owner.api.data('PUT', `/projects/${project.id}/members/${guest.id}`)
    const ofGuest = await due({ assigneeIds: [guest.id] })
    const ofLeaver = await newTask(member.api, project.id, { dueDate: DUE })
    await owner.api.data('DELETE', `/projects/${project.id}/members/${guest.id}`)
    await owner.api.data('DELETE', `/workspaces/${workspace.id}/members/${member.id}`)
    await remind(after)
    // Nobody is assigned any more, so the reporter hears of it; of the other the reporter himself is gone.
    expect([await people(ofGuest), await people(ofLeaver)]).toEqual([[owner.id], []])
  })

  test('are recorded once, however many nodes are at it at once', async () => {
    const task = await due({ assigneeIds: [owner.id, member.id] })
    const recorded = await race(8, () => remind(after))
    expect(recorded.reduce((sum, count) => sum + count)).toBe(2)
    expect(await told(task)).toHaveLength(2)
  })
})
