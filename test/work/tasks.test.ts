import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { task as taskSchema } from '../../src/modules/tasks/tasks.contract.js'
import { register, registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { heard, newProject, newTask, problemOf, race, rows, tally } from './support.js'

let app: TestApp
let ann: TestUser
let bob: TestUser
let gus: TestUser
let workspace: { id: string }
let project: { id: string; key: string }

beforeAll(async () => {
  app = await startApp()
  ;[ann, bob, gus] = await registerAll(app.origin, 'Ann', 'Bob', 'Gus')
  workspace = await workspaceOf(ann, bob, [gus, 'guest'])
  project = await newProject(ann, workspace.id)
  await ann.api.put(`/projects/${project.id}/members/${gus.id}`)
})
afterAll(() => app.stop())

const post = (fields: object) => ann.api.post(`/projects/${project.id}/tasks`, { title: 'A task', ...fields })

describe('a new task', () => {
  it('has all its fields, the first key of its project and an ETag', async () => {
    const fresh = await newProject(ann, workspace.id)
    const created = heard(app, 'task.created')
    const parent = await newTask(ann.api, fresh.id)
    const made = await bob.api.post(`/projects/${fresh.id}/tasks`, {
      title: '  Boil water ',
      description: 'Hot.\nVery.',
      status: 'in_progress',
      priority: 'high',
      parentTaskId: parent.id,
      dueDate: '2026-03-01T12:00:00+02:00',
      estimatePoints: 5,
      assigneeIds: [bob.id, ann.id, bob.id],
    })
    expect(made.status).toBe(201)
    expect(made.headers.get('location')).toBe(`/api/v1/tasks/${made.body.data.id}`)
    expect(made.headers.get('etag')).toBe('"1"')
    const { data } = made.body
    expect(taskSchema.strict().parse(data)).toEqual(data)
    expect(data).toMatchObject({
      key: `${fresh.key}-2`,
      projectId: fresh.id,
      workspaceId: workspace.id,
      title: 'Boil water',
      description: 'Hot.\nVery.',
      status: 'in_progress',
      priority: 'high',
      labels: [],
      reporterId: bob.id,
      parentTaskId: parent.id,
      dueDate: '2026-03-01T10:00:00.000Z',
      estimatePoints: 5,
      commentCount: 0,
      attachmentCount: 0,
      version: 1,
      seq: 2,
      startedAt: data.createdAt,
      completedAt: null,
    })
    expect(data.assignees.map(({ id }: { id: string }) => id).sort()).toEqual([ann.id, bob.id].sort())
    expect(created.map(({ task }) => task.seq)).toEqual([1, 2])
    expect(created[1]?.task).toEqual(data)

    const read = await ann.api.get(`/tasks/${data.id}`)
    expect(read.body.data).toEqual(data)
    expect(read.headers.get('etag')).toBe('"1"')
    const [recorded] = await rows(
      app,
      'select actor_id, type, project_id, after from activities where task_id = $1',
      [data.id],
    )
    expect(recorded).toMatchObject({
      actor_id: bob.id,
      type: 'task.created',
      project_id: fresh.id,
      after: { title: 'Boil water', number: 2, status: 'in_progress' },
    })
  })

  it('waits in the first column of work not begun, and is nobody’s', async () => {
    expect(await newTask(ann.api, project.id)).toMatchObject({
      status: 'todo',
      priority: 'none',
      description: '',
      assignees: [],
      parentTaskId: null,
      dueDate: null,
      estimatePoints: null,
      startedAt: null,
    })
    expect(await newTask(ann.api, project.id, { status: 'done' })).toMatchObject({
      startedAt: null,
      completedAt: expect.any(String),
    })
    const dated = await newTask(ann.api, project.id, { dueDate: '2026-12-24' })
    expect(dated.dueDate).toBe('2026-12-24T00:00:00.000Z')
  })

  it('gets keys without gaps under fifty racers, some of whom fail', async () => {
    const fresh = await newProject(ann, workspace.id)
    const answers = await race(60, index =>
      (index % 2 ? ann : bob).api.post(`/projects/${fresh.id}/tasks`, {
        title: `Racer ${index}`,
        ...(index < 10 && { status: 'nowhere' }),
      }),
    )
    expect(tally(answers)).toEqual({ 201: 50, '422 STATUS_NOT_FOUND': 10 })
    const made = answers.filter(({ status }) => status === 201).map(({ body }) => body.data)
    const inOrder = made.toSorted((a, b) => a.seq - b.seq)
    expect(inOrder.map(({ key }) => key)).toEqual(
      Array.from({ length: 50 }, (_, i) => `${fresh.key}-${i + 1}`),
    )
    expect(inOrder.map(({ seq }) => seq)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
    const times = inOrder.map(({ createdAt }) => createdAt)
    expect(times).toEqual(times.toSorted())
    const ranks = inOrder.map(({ rank }) => rank)
    expect(ranks).toEqual([...new Set(ranks)].sort())
  })

  it('is refused with wrong fields, each of them named', async () => {
    const wrong = async (fields: object) => problemOf(await post(fields))
    expect(await wrong({ title: ' ' })).toBe('422 VALIDATION_ERROR body.title')
    expect(await wrong({ title: 'x'.repeat(501) })).toBe('422 VALIDATION_ERROR body.title')
    expect(await wrong({ title: 'nul\0' })).toBe('422 VALIDATION_ERROR body.title')
    expect(await wrong({ description: '\ud800' })).toBe('422 VALIDATION_ERROR body.description')
    expect(await wrong({ priority: 'urgent' })).toBe('422 VALIDATION_ERROR body.priority')
    expect(await wrong({ estimatePoints: -1 })).toBe('422 VALIDATION_ERROR body.estimatePoints')
    expect(await wrong({ estimatePoints: 1.5 })).toBe('422 VALIDATION_ERROR body.estimatePoints')
    expect(await wrong({ parentTaskId: 'x' })).toBe('422 VALIDATION_ERROR body.parentTaskId')
    expect(await wrong({ rank: 'a0' })).toBe('422 VALIDATION_ERROR body.rank')
    expect(await wrong({ status: 'nowhere' })).toBe('422 STATUS_NOT_FOUND body.status')
    for (const dueDate of ['soon', '2026-02-30', '0000-01-01', '9999-12-31T23:59:59-12:00', 1]) {
      expect(await wrong({ dueDate })).toBe('422 VALIDATION_ERROR body.dueDate')
    }
  })

  it('can be made by a guest who sees the project, not by an outsider or for a malformed id', async () => {
    expect((await gus.api.post(`/projects/${project.id}/tasks`, { title: 'Mine' })).status).toBe(201)
    const eve = await register(app.origin, 'Eve')
    expect(problemOf(await eve.api.post(`/projects/${project.id}/tasks`, { title: 'x' }))).toBe(
      '404 PROJECT_NOT_FOUND',
    )
    expect(problemOf(await ann.api.post('/projects/42/tasks', { title: 'x' }))).toBe(
      '422 VALIDATION_ERROR params.projectId',
    )
    expect(problemOf(await ann.api.get('/tasks/42'))).toBe('422 VALIDATION_ERROR params.taskId')
    expect(problemOf(await ann.api.get(`/tasks/${project.id}`))).toBe('404 TASK_NOT_FOUND')
  })
})

describe('deleting a task', () => {
  it('takes its subtasks along, each with a number of its own in the sequence', async () => {
    const fresh = await newProject(ann, workspace.id)
    const root = await newTask(ann.api, fresh.id)
    const child = await newTask(ann.api, fresh.id, { parentTaskId: root.id })
    const grandchild = await newTask(ann.api, fresh.id, { parentTaskId: child.id })
    const bystander = await newTask(ann.api, fresh.id)
    const deleted = heard(app, 'task.deleted')
    expect((await ann.api.delete(`/tasks/${root.id}`)).status).toBe(204)
    expect(deleted.map(({ taskId, seq }) => [taskId, seq])).toEqual([
      [root.id, 5],
      [child.id, 6],
      [grandchild.id, 7],
    ])
    for (const { id } of [root, child, grandchild])
      expect((await ann.api.get(`/tasks/${id}`)).status).toBe(404)
    expect((await ann.api.get(`/projects/${fresh.id}/tasks`)).body.data).toMatchObject([{ id: bystander.id }])
    expect(problemOf(await ann.api.delete(`/tasks/${child.id}`))).toBe('404 TASK_NOT_FOUND')
    const stored = await rows(
      app,
      'select seq, version, deleted_at is null as stands from tasks where project_id = $1 order by seq',
      [fresh.id],
    )
    expect(stored).toEqual([
      { seq: 4, version: 1, stands: true },
      { seq: 5, version: 2, stands: false },
      { seq: 6, version: 2, stands: false },
      { seq: 7, version: 2, stands: false },
    ])
    expect((await newTask(ann.api, fresh.id)).key).toBe(`${fresh.key}-5`)
  })

  it('happens once in a race, and not to a task that changed since', async () => {
    const { id } = await newTask(ann.api, project.id)
    await ann.api.patch(`/tasks/${id}`, { title: 'Changed' })
    const stale = await ann.api.delete(`/tasks/${id}`, { headers: { 'if-match': '"1"' } })
    expect(problemOf(stale)).toBe('412 VERSION_CONFLICT')
    expect(tally(await race(10, () => ann.api.delete(`/tasks/${id}`)))).toEqual({
      204: 1,
      '404 TASK_NOT_FOUND': 9,
    })
  })

  it('is for guests only where they reported it, and all below it', async () => {
    const theirs = await newTask(ann.api, project.id)
    const own = await newTask(gus.api, project.id)
    expect(problemOf(await gus.api.delete(`/tasks/${theirs.id}`))).toBe('403 GUEST_FORBIDDEN')
    await newTask(ann.api, project.id, { parentTaskId: own.id })
    expect(problemOf(await gus.api.delete(`/tasks/${own.id}`))).toBe('403 GUEST_FORBIDDEN')
    const alone = await newTask(gus.api, project.id)
    await newTask(gus.api, project.id, { parentTaskId: alone.id })
    expect((await gus.api.delete(`/tasks/${alone.id}`)).status).toBe(204)
  })
})

describe('subtasks', () => {
  it('are paged in the order of making, right below their parent only', async () => {
    const parent = await newTask(ann.api, project.id)
    const made: string[] = []
    for (let index = 0; index < 5; index++) {
      made.push((await newTask(ann.api, project.id, { parentTaskId: parent.id })).id)
    }
    await newTask(ann.api, project.id, { parentTaskId: made[0] })
    const path = `/tasks/${parent.id}/subtasks`
    const first = (await ann.api.get(`${path}?limit=3&count=exact`)).body
    expect(first.meta).toMatchObject({ limit: 3, total: 5 })
    const second = (await ann.api.get(`${path}?limit=3&cursor=${first.meta.nextCursor}`)).body
    expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(made)
    expect(second.meta).toEqual({ limit: 3, nextCursor: null })
    expect(problemOf(await ann.api.get(`${path}?sort=rank`))).toBe('422 VALIDATION_ERROR query.sort')
  })
})
