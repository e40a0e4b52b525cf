import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MOST_ASSIGNEES } from '../../src/modules/tasks/tasks.contract.js'
import { registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { heard, newProject, newTask, problemOf, race, rows, tally } from './support.js'

let app: TestApp
let ann: TestUser
let bob: TestUser
let gus: TestUser
let eve: TestUser
let workspace: { id: string }
let project: { id: string; key: string }

beforeAll(async () => {
  app = await startApp()
  ;[ann, bob, gus, eve] = await registerAll(app.origin, 'Ann', 'Bob', 'Gus', 'Eve')
  workspace = await workspaceOf(ann, bob, [gus, 'guest'])
  project = await newProject(ann, workspace.id)
})
afterAll(() => app.stop())

const read = async (id: string) => (await ann.api.get(`/tasks/${id}`)).body.data
const assigneesOf = (task: { assignees: { id: string }[] }) => task.assignees.map(({ id }) => id).sort()

describe('changing a task', () => {
  it('changes what was sent and nothing else, and tells and records just that', async () => {
    const task = await newTask(ann.api, project.id, {
      description: 'Old',
      dueDate: '2026-01-01',
      estimatePoints: 3,
    })
    const updated = heard(app, 'task.updated')
    const changed = await bob.api.patch(`/tasks/${task.id}`, { title: 'New', dueDate: null })
    expect(changed.status).toBe(200)
    expect(changed.headers.get('etag')).toBe('"2"')
    const { data } = changed.body
    expect(data).toEqual({
      ...task,
      title: 'New',
      dueDate: null,
      version: 2,
      seq: data.seq,
      updatedAt: data.updatedAt,
    })
    expect(data.seq).toBe(task.seq + 1)
    expect(updated).toEqual([{ task: data }])
    const recorded = await rows(
      app,
      `select actor_id, type, before, after from activities where task_id = $1 order by seq`,
      [task.id],
    )
    expect(recorded.at(-1)).toEqual({
      actor_id: bob.id,
      type: 'task.updated',
      before: { title: 'A task', dueDate: '2026-01-01T00:00:00.000Z' },
      after: { title: 'New', dueDate: null },
    })
  })

  it('to what it is already changes nothing', async () => {
    const task = await newTask(ann.api, project.id, { priority: 'low', assigneeIds: [ann.id, bob.id] })
    const events = [heard(app, 'task.updated'), heard(app, 'task.moved')]
    const same = { title: task.title, priority: 'low', status: 'todo', assigneeIds: [bob.id, ann.id] }
    expect((await ann.api.patch(`/tasks/${task.id}`, same)).body.data).toEqual(task)
    expect((await ann.api.patch(`/tasks/${task.id}/status`, { status: 'todo' })).body.data).toEqual(task)
    expect((await ann.api.put(`/tasks/${task.id}/assignees/${bob.id}`)).body.data).toEqual(task)
    expect((await ann.api.delete(`/tasks/${task.id}/assignees/${gus.id}`)).status).toBe(204)
    expect(events).toEqual([[], []])
    expect(await read(task.id)).toEqual(task)
  })

  it('refuses an empty change, unknown fields and wrong ones by name', async () => {
    const { id } = await newTask(ann.api, project.id)
    const wrong = async (body: object) => problemOf(await ann.api.patch(`/tasks/${id}`, body))
    expect(await wrong({})).toBe('422 VALIDATION_ERROR body')
    expect(await wrong({ version: 7 })).toContain('422 VALIDATION_ERROR body.version')
    expect(await wrong({ title: null })).toBe('422 VALIDATION_ERROR body.title')
    expect(await wrong({ status: 'nowhere' })).toBe('422 STATUS_NOT_FOUND body.status')
  })

  it('by an If-Match that lost the race is refused: one of fifty wins', async () => {
    const { id } = await newTask(ann.api, project.id)
    const answers = await race(50, index =>
      ann.api.patch(`/tasks/${id}`, { title: `Racer ${index}` }, { headers: { 'if-match': '"1"' } }),
    )
    expect(tally(answers)).toEqual({ 200: 1, '412 VERSION_CONFLICT': 49 })
    const winner = answers.find(({ status }) => status === 200)
    expect(await read(id)).toEqual(winner?.body.data)
    const loser = answers.find(({ status }) => status === 412)
    expect(loser?.headers.get('etag')).toBe('"2"')
    expect(loser?.body.current).toEqual(winner?.body.data)
  })

  it('takes If-Match as *, weak or in a list, and on every route that changes', async () => {
    const { id } = await newTask(ann.api, project.id)
    const patch = async (path: string, body: object, tag: string) =>
      (await ann.api.patch(`/tasks/${id}${path}`, body, { headers: { 'if-match': tag } })).status
    expect(await patch('', { title: 'a' }, '*')).toBe(200)
    expect(await patch('', { title: 'b' }, 'W/"2"')).toBe(200)
    expect(await patch('', { title: 'c' }, '"9", "3"')).toBe(200)
    expect(await patch('', { title: 'd' }, '"nonsense"')).toBe(412)
    expect(await patch('/status', { status: 'done' }, '"3"')).toBe(412)
    expect(await patch('/status', { status: 'done' }, '"4"')).toBe(200)
    expect(await patch('/assignees', { assigneeIds: [ann.id] }, '"4"')).toBe(412)
    const moved = await ann.api.post(
      `/tasks/${id}/reorder`,
      { status: 'todo' },
      { headers: { 'if-match': '"4"' } },
    )
    expect(moved.status).toBe(412)
    const deleted = await ann.api.delete(`/tasks/${id}`, { headers: { 'if-match': '"4"' } })
    expect(deleted).toMatchObject({ status: 412, body: { current: await read(id) } })
  })

  it('in disjoint fields at the same time loses nothing', async () => {
    const { id } = await newTask(ann.api, project.id)
    const changes = [
      { title: 'Raced' },
      { description: 'Raced' },
      { priority: 'critical' },
      { dueDate: '2027-01-01' },
      { estimatePoints: 8 },
      { status: 'in_progress' },
      { assigneeIds: [bob.id] },
    ]
    const answers = await race(changes.length, index => ann.api.patch(`/tasks/${id}`, changes[index]))
    expect(tally(answers)).toEqual({ 200: 7 })
    expect(await read(id)).toMatchObject({
      title: 'Raced',
      description: 'Raced',
      priority: 'critical',
      dueDate: '2027-01-01T00:00:00.000Z',
      estimatePoints: 8,
      status: 'in_progress',
      assignees: [{ id: bob.id }],
      version: 8,
    })
    expect(new Set(answers.map(({ body }) => body.data.seq)).size).toBe(7)
  })

  it('is open to a guest of the project', async () => {
    const fresh = await newProject(ann, workspace.id)
    await ann.api.put(`/projects/${fresh.id}/members/${gus.id}`)
    const { id } = await newTask(ann.api, fresh.id)
    expect((await gus.api.patch(`/tasks/${id}`, { title: 'By a guest' })).status).toBe(200)
  })
})

describe('the status of a task', () => {
  it('keeps when it was started and completed, by the groups it comes through', async () => {
    const { id } = await newTask(ann.api, project.id)
    const moved = heard(app, 'task.moved')
    const to = async (status: string) => (await ann.api.patch(`/tasks/${id}/status`, { status })).body.data
    const started = await to('in_progress')
    expect(started).toMatchObject({ status: 'in_progress', startedAt: started.updatedAt, completedAt: null })
    const { startedAt } = started
    expect(await to('in_review')).toMatchObject({ startedAt, completedAt: null })
    const done = await to('done')
    expect(done).toMatchObject({ startedAt, completedAt: done.updatedAt })
    expect(await to('cancelled')).toMatchObject({ startedAt, completedAt: null })
    expect(await to('backlog')).toMatchObject({ startedAt: null, completedAt: null })
    expect(moved.map(({ task }) => task.status)).toEqual([
      'in_progress',
      'in_review',
      'done',
      'cancelled',
      'backlog',
    ])
    expect(problemOf(await ann.api.patch(`/tasks/${id}/status`, { status: 'nowhere' }))).toBe(
      '422 STATUS_NOT_FOUND body.status',
    )
    expect(problemOf(await ann.api.patch(`/tasks/${id}/status`, {}))).toBe('422 VALIDATION_ERROR body.status')
  })

  it('never overfills a column with a limit, also in a race', async () => {
    const fresh = await newProject(ann, workspace.id)
    await rows(
      app,
      `update project_statuses set wip_limit = 3 where project_id = $1 and key = 'in_progress'`,
      [fresh.id],
    )
    const waiting = await race(10, () => newTask(ann.api, fresh.id))
    const answers = await race(10, index =>
      ann.api.patch(`/tasks/${waiting[index]?.id}/status`, { status: 'in_progress' }),
    )
    expect(tally(answers)).toEqual({ 200: 3, '409 WIP_LIMIT_REACHED': 7 })
    const created = await ann.api.post(`/projects/${fresh.id}/tasks`, { title: 'x', status: 'in_progress' })
    expect(problemOf(created)).toBe('409 WIP_LIMIT_REACHED')
    const [card] = (await ann.api.get(`/projects/${fresh.id}/tasks?status=in_progress`)).body.data
    expect((await ann.api.post(`/tasks/${card.id}/reorder`, { status: 'in_progress' })).status).toBe(200)
  })
})

describe('the assignees of a task', () => {
  it('are set as a whole, added and taken off', async () => {
    const { id } = await newTask(ann.api, project.id)
    const path = `/tasks/${id}/assignees`
    expect(assigneesOf((await ann.api.patch(path, { assigneeIds: [ann.id, bob.id] })).body.data)).toEqual(
      [ann.id, bob.id].sort(),
    )
    expect(assigneesOf((await ann.api.patch(path, { assigneeIds: [bob.id] })).body.data)).toEqual([bob.id])
    const added = await ann.api.put(`${path}/${ann.id}`)
    expect(added.body.data.assignees.map((person: { id: string }) => person.id)).toEqual([bob.id, ann.id])
    expect(added.body.data.assignees[1]).toEqual({
      id: ann.id,
      username: ann.user.username,
      firstName: 'Ann',
      lastName: 'Person',
      avatarUrl: null,
    })
    expect((await ann.api.delete(`${path}/${bob.id}`)).status).toBe(204)
    expect(await read(id)).toMatchObject({ assignees: [{ id: ann.id }], version: 5 })
    const recorded = await rows(
      app,
      `select before, after from activities where task_id = $1 order by seq desc limit 1`,
      [id],
    )
    expect(recorded[0]).toEqual({
      before: { assigneeIds: [ann.id, bob.id].sort() },
      after: { assigneeIds: [ann.id] },
    })
  })

  it('are members of the workspace who see the project, and nobody else', async () => {
    const task = await newTask(ann.api, project.id)
    const strange = '422 NOT_WORKSPACE_MEMBER body.assigneeIds'
    for (const { id } of [eve, gus]) {
      const assigneeIds = [ann.id, id]
      expect(
        problemOf(await ann.api.post(`/projects/${project.id}/tasks`, { title: 'x', assigneeIds })),
      ).toBe(strange)
      expect(problemOf(await ann.api.patch(`/tasks/${task.id}`, { assigneeIds }))).toBe(strange)
      expect(problemOf(await ann.api.patch(`/tasks/${task.id}/assignees`, { assigneeIds }))).toBe(strange)
      expect(problemOf(await ann.api.put(`/tasks/${task.id}/assignees/${id}`))).toBe(
        '422 NOT_WORKSPACE_MEMBER params.userId',
      )
    }
    expect(await read(task.id)).toEqual(task)
    await ann.api.put(`/projects/${project.id}/members/${gus.id}`)
    expect((await ann.api.put(`/tasks/${task.id}/assignees/${gus.id}`)).status).toBe(200)
    await ann.api.delete(`/projects/${project.id}/members/${gus.id}`)
  })

  it('are added by racers without losing one', async () => {
    const { id } = await newTask(ann.api, project.id)
    await Promise.all([
      ann.api.put(`/tasks/${id}/assignees/${ann.id}`),
      bob.api.put(`/tasks/${id}/assignees/${bob.id}`),
    ])
    expect(assigneesOf(await read(id))).toEqual([ann.id, bob.id].sort())
  })

  it(`are ${MOST_ASSIGNEES} at most`, async () => {
    const assigneeIds = Array.from({ length: MOST_ASSIGNEES + 1 }, () => crypto.randomUUID())
    const { id } = await newTask(ann.api, project.id)
    expect(problemOf(await ann.api.patch(`/tasks/${id}/assignees`, { assigneeIds }))).toBe(
      '422 VALIDATION_ERROR body.assigneeIds',
    )
  })
})

describe('the parent of a task', () => {
  const under = (id: string, parentTaskId: string | null) => ann.api.patch(`/tasks/${id}`, { parentTaskId })

  it('is a task of the same project that is not below it', async () => {
    const other = await newProject(ann, workspace.id)
    const stranger = await newTask(ann.api, other.id)
    const [a, b, c] = [
      await newTask(ann.api, project.id),
      await newTask(ann.api, project.id),
      await newTask(ann.api, project.id),
    ]
    expect((await under(b.id, a.id)).body.data.parentTaskId).toBe(a.id)
    expect((await under(c.id, b.id)).status).toBe(200)
    expect(problemOf(await under(a.id, c.id))).toBe('422 PARENT_LOOP body.parentTaskId')
    expect(problemOf(await under(a.id, a.id))).toBe('422 PARENT_LOOP body.parentTaskId')
    expect(problemOf(await under(a.id, stranger.id))).toBe('422 PARENT_NOT_FOUND body.parentTaskId')
    expect(problemOf(await under(a.id, crypto.randomUUID()))).toBe('422 PARENT_NOT_FOUND body.parentTaskId')
    expect((await under(b.id, null)).body.data.parentTaskId).toBeNull()
    expect((await under(a.id, c.id)).status).toBe(200)
    await ann.api.delete(`/tasks/${b.id}`)
    expect(problemOf(await under((await newTask(ann.api, project.id)).id, c.id))).toBe(
      '422 PARENT_NOT_FOUND body.parentTaskId',
    )
  })

  it('leads five levels deep at most, whatever is moved under what', async () => {
    const chain = [await newTask(ann.api, project.id)]
    for (let level = 1; level <= 5; level++) {
      chain.push(await newTask(ann.api, project.id, { parentTaskId: chain.at(-1)?.id }))
    }
    const sixth = await ann.api.post(`/projects/${project.id}/tasks`, {
      title: 'x',
      parentTaskId: chain.at(-1)?.id,
    })
    expect(problemOf(sixth)).toBe('422 PARENT_TOO_DEEP body.parentTaskId')
    const root = await newTask(ann.api, project.id)
    expect(problemOf(await under(chain[0]?.id ?? '', root.id))).toBe('422 PARENT_TOO_DEEP body.parentTaskId')
    expect((await under(chain[1]?.id ?? '', root.id)).status).toBe(200)
  })

  it('never closes a loop, though fifty racers try', async () => {
    const fresh = await newProject(ann, workspace.id)
    const all = await race(8, () => newTask(ann.api, fresh.id))
    const pick = (index: number) => all[index % all.length]?.id ?? ''
    const answers = await race(50, index => under(pick(index), pick(index * 3 + 1)))
    expect(answers.every(({ status }) => status === 200 || status === 422)).toBe(true)
    const parents = new Map<string, string | null>()
    for (const task of (await ann.api.get(`/projects/${fresh.id}/tasks`)).body.data)
      parents.set(task.id, task.parentTaskId)
    for (const { id } of all) {
      let steps = 0
      for (let above = parents.get(id); above; above = parents.get(above))
        expect(++steps).toBeLessThanOrEqual(5)
    }
  })
})
