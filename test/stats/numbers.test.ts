import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { projectStats, workspaceStats } from '../../src/modules/stats/stats.contract.js'
import { register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { newProject, newTask, rows } from '../work/support.js'
import { picker, randomSeed } from './picker.js'

let app: TestApp
let owner: TestUser
let workspace: { id: string }

beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.stop())

async function team() {
  owner = await register(app.origin, 'Owner')
  workspace = await workspaceOf(owner)
}

const ofWorkspace = () => owner.api.data('GET', `/workspaces/${workspace.id}/stats`)
const ofProject = (id: string) => owner.api.data('GET', `/projects/${id}/stats`)

describe('the numbers of a workspace', () => {
  beforeAll(team)

  test('are zero at first, but for its owner', async () => {
    const { timestamp, ...numbers } = workspaceStats.parse(await ofWorkspace())
    expect(numbers).toEqual({
      memberCount: 1,
      projectCount: 0,
      taskCount: 0,
      openTasks: 0,
      completedTasks: 0,
      channelCount: 0,
      onlineUsersCount: 0,
    })
    expect(Math.abs(Date.parse(timestamp) - Date.now())).toBeLessThan(60_000)
  })

  test('are the same by both names', async () => {
    const [one, other] = [
      await ofWorkspace(),
      await owner.api.data('GET', `/stats/workspace/${workspace.id}`),
    ]
    expect({ ...other, timestamp: '' }).toEqual({ ...one, timestamp: '' })
  })

  test('leave out what was deleted, and do not hear of other workspaces', async () => {
    const other = await workspaceOf(owner)
    const elsewhere = await newProject(owner, other.id)
    await newTask(owner.api, elsewhere.id)
    const [kept, gone] = [await newProject(owner, workspace.id), await newProject(owner, workspace.id)]
    await newTask(owner.api, kept.id)
    const deleted = await newTask(owner.api, kept.id)
    await newTask(owner.api, gone.id)
    await owner.api.delete(`/tasks/${deleted.id}`)
    await owner.api.delete(`/projects/${gone.id}`)
    const channel = { name: 'general', type: 'public' }
    const { id } = await owner.api.data('POST', `/workspaces/${workspace.id}/channels`, channel)
    expect(await ofWorkspace()).toMatchObject({
      projectCount: 1,
      taskCount: 1,
      openTasks: 1,
      channelCount: 1,
    })
    await owner.api.delete(`/channels/${id}`)
    expect(await ofWorkspace()).toMatchObject({ channelCount: 0 })
  })

  test('are those of all its projects for a guest too', async () => {
    const guest = await register(app.origin, 'Guest')
    const team = await workspaceOf(owner, [guest, 'guest'])
    const project = await newProject(owner, team.id)
    await newTask(owner.api, project.id)
    const numbers = await guest.api.data('GET', `/workspaces/${team.id}/stats`)
    expect(numbers).toMatchObject({ memberCount: 2, projectCount: 1, taskCount: 1 })
    expect((await guest.api.get(`/projects/${project.id}/stats`)).status).toBe(404)
    await owner.api.data('PUT', `/projects/${project.id}/members/${guest.id}`)
    expect((await guest.api.get(`/projects/${project.id}/stats`)).status).toBe(200)
  })
})

describe('the numbers of a project', () => {
  beforeAll(team)

  test('name every status, in the order of the board, also where there are no tasks', async () => {
    const project = await newProject(owner, workspace.id)
    const { timestamp: _, ...numbers } = projectStats.parse(await ofProject(project.id))
    expect(numbers).toEqual({
      tasksByStatus: { backlog: 0, todo: 0, in_progress: 0, in_review: 0, done: 0, cancelled: 0 },
      totalTasks: 0,
      completionRate: 0,
      overdueTasks: 0,
      commentCount: 0,
      attachmentCount: 0,
    })
    expect(Object.keys(numbers.tasksByStatus)).toEqual([
      'backlog',
      'todo',
      'in_progress',
      'in_review',
      'done',
      'cancelled',
    ])
  })

  test('rate what is completed among all that was not cancelled', async () => {
    const project = await newProject(owner, workspace.id)
    for (const status of ['done', 'todo', 'backlog', 'cancelled'])
      await newTask(owner.api, project.id, { status })
    expect(await ofProject(project.id)).toMatchObject({ totalTasks: 4, completionRate: 33 })
    await newTask(owner.api, project.id, { status: 'done' })
    expect(await ofProject(project.id)).toMatchObject({ totalTasks: 5, completionRate: 50 })
  })

  test('rate a project of cancelled tasks alone with 0', async () => {
    const project = await newProject(owner, workspace.id)
    await newTask(owner.api, project.id, { status: 'cancelled' })
    expect(await ofProject(project.id)).toMatchObject({ totalTasks: 1, completionRate: 0 })
  })

  test('count as overdue what is open and was due, and nothing else', async () => {
    const project = await newProject(owner, workspace.id)
    const [past, future] = ['2020-01-01', '2100-01-01']
    await newTask(owner.api, project.id, { dueDate: past })
    await newTask(owner.api, project.id, { dueDate: past, status: 'in_review' })
    await newTask(owner.api, project.id, { dueDate: past, status: 'done' })
    await newTask(owner.api, project.id, { dueDate: past, status: 'cancelled' })
    await newTask(owner.api, project.id, { dueDate: future })
    await newTask(owner.api, project.id)
    const deleted = await newTask(owner.api, project.id, { dueDate: past })
    await owner.api.delete(`/tasks/${deleted.id}`)
    expect(await ofProject(project.id)).toMatchObject({ overdueTasks: 2 })
  })

  test('count the comments and attachments that stand, of tasks that stand', async () => {
    const project = await newProject(owner, workspace.id)
    const [kept, deleted] = [await newTask(owner.api, project.id), await newTask(owner.api, project.id)]
    for (const [task, gone] of [
      [kept, false],
      [kept, true],
      [deleted, false],
    ] as const) {
      const values = [randomUUID(), workspace.id, task.id, owner.id, gone ? new Date() : null]
      await rows(
        app,
        `insert into comments (id, workspace_id, task_id, author_id, content, deleted_at) values ($1, $2, $3, $4, 'text', $5)`,
        values,
      )
      await rows(
        app,
        `insert into attachments (id, workspace_id, task_id, uploader_id, file_name, content_type, size, storage_key, deleted_at)
         values ($1, $2, $3, $4, 'a', 'b', 1, gen_random_uuid()::text, $5)`,
        values,
      )
    }
    await owner.api.delete(`/tasks/${deleted.id}`)
    expect(await ofProject(project.id)).toMatchObject({ commentCount: 1, attachmentCount: 1 })
  })

  test('are each found in one statement', async () => {
    const project = await newProject(owner, workspace.id)
    await ofProject(project.id)
    const before = app.statements()
    await ofProject(project.id)
    // One for the access, one for the numbers; the session is remembered for a second.
    expect(app.statements() - before).toBeLessThanOrEqual(3)
  })
})

test('after random writes the numbers are those of a recount', async () => {
  await team()
  const projects = [await newProject(owner, workspace.id), await newProject(owner, workspace.id)]
  const statuses = ['backlog', 'todo', 'in_progress', 'in_review', 'done', 'cancelled']
  const seed = randomSeed()
  const pick = picker(seed)
  const alive: string[] = []
  for (let n = 0; n < 120; n++) {
    const id = alive[pick(alive.length)]
    const action = pick(5)
    if (id === undefined || action < 2) {
      const dueDate = [null, '2020-01-01', '2100-01-01'][pick(3)]
      const project = projects[pick(2)] ?? projects[0]
      if (project)
        alive.push((await newTask(owner.api, project.id, { dueDate, status: statuses[pick(6)] })).id)
    } else if (action < 4) {
      await owner.api.data('PATCH', `/tasks/${id}/status`, { status: statuses[pick(6)] })
    } else {
      await owner.api.data('DELETE', `/tasks/${id}`)
      alive.splice(alive.indexOf(id), 1)
    }
  }
  const stored = await rows(
    app,
    `select t.project_id, t.status, s."group", t.due_date < now() as due from tasks t
     join project_statuses s on s.project_id = t.project_id and s.key = t.status
     where t.workspace_id = $1 and t.deleted_at is null`,
    [workspace.id],
  )
  const isOpen = (group: string) => group !== 'completed' && group !== 'cancelled'
  expect(await ofWorkspace(), `seed ${seed}`).toMatchObject({
    taskCount: stored.length,
    openTasks: stored.filter(({ group }) => isOpen(group)).length,
    completedTasks: stored.filter(({ group }) => group === 'completed').length,
  })
  for (const { id } of projects) {
    const own = stored.filter(task => task.project_id === id)
    const completed = own.filter(({ group }) => group === 'completed').length
    const counted = own.filter(({ group }) => group !== 'cancelled').length
    expect(await ofProject(id), `seed ${seed}`).toMatchObject({
      tasksByStatus: Object.fromEntries(
        statuses.map(status => [status, own.filter(task => task.status === status).length]),
      ),
      totalTasks: own.length,
      completionRate: counted === 0 ? 0 : Math.round((100 * completed) / counted),
      overdueTasks: own.filter(({ due, group }) => due && isOpen(group)).length,
    })
  }
})
