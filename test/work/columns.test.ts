import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ProjectStatus } from '../../src/modules/tasks/board/columns.contract.js'
import type { Task } from '../../src/modules/tasks/tasks.contract.js'
import { registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { connectChat } from '../support/chat.js'
import { heard, newProject, newTask, problemOf, race, rows, statementsOf, tally, titles } from './support.js'

let app: TestApp
let ann: TestUser
let bob: TestUser
let cleo: TestUser
let workspaceId: string

beforeAll(async () => {
  app = await startApp()
  ;[ann, bob, cleo] = await registerAll(app.origin, 'Ann', 'Bob', 'Cleo')
  workspaceId = (await workspaceOf(ann, bob, cleo)).id
})
afterAll(() => app.stop())

/** A project of its own, and its columns. */
async function board() {
  const { id } = await newProject(ann, workspaceId)
  const path = `/projects/${id}/statuses`
  return {
    id,
    path,
    add: (body: object) => ann.api.post(path, { name: 'A column', group: 'started', ...body }),
    change: (key: string, body: object) => ann.api.patch(`${path}/${key}`, body),
    remove: (key: string, remapTo: string) => ann.api.delete(`${path}/${key}?remapTo=${remapTo}`),
    columns: (): Promise<ProjectStatus[]> => ann.api.data('GET', path),
    keys: async (): Promise<string> =>
      (await ann.api.data('GET', path)).map(({ key }: ProjectStatus) => key).join(' '),
    task: (fields: object = {}) => newTask(ann.api, id, fields),
    move: (task: Task, status: string) => ann.api.patch(`/tasks/${task.id}/status`, { status }),
    cards: async (status: string): Promise<Task[]> =>
      (await ann.api.get(`/projects/${id}/tasks?sort=rank&limit=100&status=${status}`)).body.data,
    lastSeq: async (): Promise<number> => (await ann.api.data('GET', `/projects/${id}`)).lastSeq,
    changes: (since: number) => ann.api.data('GET', `/projects/${id}/changes?since=${since}`),
  }
}

const defaults = 'backlog todo in_progress in_review done cancelled'

describe('the columns of a project', () => {
  it('are added at the end or at a place, each with what it means', async () => {
    const { id, path, add, columns, keys } = await board()
    const waiting = await add({
      key: 'waiting',
      name: ' Waiting ',
      wipLimit: 3,
      transitions: ['done', 'done'],
    })
    expect([waiting.status, waiting.headers.get('location')]).toEqual([201, `/api/v1${path}`])
    const column = { key: 'waiting', name: 'Waiting', group: 'started', wipLimit: 3, transitions: ['done'] }
    expect(waiting.body.data).toEqual({ ...column, position: 6 })
    expect((await add({ key: 'ideas', group: 'backlog', position: 0 })).body.data).toMatchObject({
      position: 0,
    })
    await add({ key: 'next', group: 'unstarted', position: 2 })
    expect(await keys()).toBe('ideas backlog next todo in_progress in_review done cancelled waiting')
    const all = await columns()
    expect(all.map(({ position }) => position)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(all.at(-1)).toEqual({ ...column, position: 8 })
    expect((await ann.api.data('GET', `/projects/${id}`)).statuses).toEqual(all)
    const { columns: shown } = await ann.api.data('GET', `/projects/${id}/board`)
    expect(shown.map(({ tasks, nextCursor, ...rest }: { tasks: []; nextCursor: null }) => rest)).toEqual(all)
  })

  it('have keys that are unique in the project, and are fifty at most', async () => {
    const { add, columns } = await board()
    expect(problemOf(await add({ key: 'todo' }))).toBe('409 COLUMN_KEY_TAKEN')
    expect(tally(await race(10, () => add({ key: 'twin' })))).toEqual({ 201: 1, '409 COLUMN_KEY_TAKEN': 9 })
    const answers = await race(50, index => add({ key: `column_${index}`, position: index % 3 }))
    expect(tally(answers)).toEqual({ 201: 43, '409 TOO_MANY_COLUMNS': 7 })
    expect((await columns()).map(({ position }) => position)).toEqual(Array.from({ length: 50 }, (_, n) => n))
  })

  it('are renamed, limited and moved; key and group stay', async () => {
    const { change, columns, keys } = await board()
    const body = { name: 'Doing', wipLimit: 4, position: 1 }
    expect((await change('in_progress', body)).body.data).toEqual({
      ...body,
      key: 'in_progress',
      group: 'started',
      transitions: null,
    })
    expect(await keys()).toBe('backlog in_progress todo in_review done cancelled')
    await change('backlog', { position: 5 })
    expect(await keys()).toBe('in_progress todo in_review done cancelled backlog')
    await change('cancelled', { position: 0 })
    expect(await keys()).toBe('cancelled in_progress todo in_review done backlog')
    await change('in_progress', { wipLimit: null })
    expect((await columns())[1]).toEqual({
      ...body,
      key: 'in_progress',
      group: 'started',
      wipLimit: null,
      transitions: null,
    })
  })

  it('stay in one order, whoever moves them at once', async () => {
    const { change, columns, keys } = await board()
    const all = defaults.split(' ')
    const answers = await race(30, index => change(all[index % 6] ?? '', { position: (index * 5) % 6 }))
    expect(tally(answers)).toEqual({ 200: 30 })
    expect((await columns()).map(({ position }) => position)).toEqual([0, 1, 2, 3, 4, 5])
    expect((await keys()).split(' ').toSorted()).toEqual(all.toSorted())
  })

  it('refuse what makes no sense, by the field', async () => {
    const { path, add, change, remove, keys } = await board()
    const invalid = '422 VALIDATION_ERROR'
    for (const key of ['', 'In Progress', 'a__b', '_a', 'x'.repeat(51)])
      expect(problemOf(await add({ key }))).toBe(`${invalid} body.key`)
    expect(problemOf(await add({ key: 'x', group: 'finished' }))).toBe(`${invalid} body.group`)
    expect(problemOf(await add({ key: 'x', position: 7 }))).toBe(`${invalid} body.position`)
    expect(problemOf(await add({ key: 'x', transitions: ['nowhere'] }))).toBe(
      '422 STATUS_NOT_FOUND body.transitions',
    )
    expect(problemOf(await change('todo', { position: 6 }))).toBe(`${invalid} body.position`)
    expect(problemOf(await change('todo', { wipLimit: 0 }))).toBe(`${invalid} body.wipLimit`)
    expect(problemOf(await change('todo', { name: 'x', group: 'completed' }))).toBe(`${invalid} body.group`)
    expect(problemOf(await change('todo', {}))).toBe(`${invalid} body`)
    expect(problemOf(await change('todo', { transitions: ['x'] }))).toBe(
      '422 STATUS_NOT_FOUND body.transitions',
    )
    expect(problemOf(await change('nowhere', { name: 'x' }))).toBe('404 COLUMN_NOT_FOUND')
    expect(problemOf(await remove('nowhere', 'todo'))).toBe('404 COLUMN_NOT_FOUND')
    expect(problemOf(await remove('todo', 'nowhere'))).toBe('422 STATUS_NOT_FOUND query.remapTo')
    expect(problemOf(await remove('todo', 'todo'))).toBe('422 STATUS_NOT_FOUND query.remapTo')
    expect(problemOf(await ann.api.delete(`${path}/todo`))).toBe(`${invalid} query.remapTo`)
    expect(await keys()).toBe(defaults)
  })

  it('are managed by admins and whoever made the project, and seen by all who see it', async () => {
    const { id } = await newProject(bob, workspaceId)
    const path = `/projects/${id}/statuses`
    const column = { key: 'x', name: 'X', group: 'started' }
    expect((await bob.api.post(path, column)).status).toBe(201)
    expect((await cleo.api.get(path)).body.data).toHaveLength(7)
    expect(problemOf(await cleo.api.post(path, column))).toBe('403 FORBIDDEN')
    expect(problemOf(await cleo.api.patch(`${path}/x`, { name: 'Y' }))).toBe('403 FORBIDDEN')
    expect(problemOf(await cleo.api.delete(`${path}/x?remapTo=todo`))).toBe('403 FORBIDDEN')
    expect((await ann.api.delete(`${path}/x?remapTo=todo`)).status).toBe(204)
  })

  it('cost one and the same statements to list', async () => {
    const { path, add } = await board()
    const cost = () => statementsOf(app, () => ann.api.get(path))
    const few = await cost()
    await race(20, index => add({ key: `more_${index}` }))
    expect(await cost()).toBe(few)
  })
})

describe('a column that is removed', () => {
  it('leaves its tasks to another one, behind those that are there, in their order', async () => {
    const { task, remove, cards, keys, lastSeq } = await board()
    const there = await task({ title: 'there', status: 'in_review' })
    const tasks = [
      await task({ title: 'a' }),
      await task({ title: 'b' }),
      await task({ title: 'c' }),
    ] as const
    await ann.api.data('POST', `/tasks/${tasks[2].id}/reorder`, { before: tasks[0].id })
    expect((await remove('todo', 'in_review')).status).toBe(204)
    const moved = await cards('in_review')
    expect(titles(moved)).toEqual(['there', 'c', 'a', 'b'])
    expect(moved.map(({ seq }) => seq)).toEqual([there.seq, 6, 7, 8])
    expect(moved.map(({ version }) => version)).toEqual([1, 3, 2, 2])
    expect(await keys()).toBe('backlog in_progress in_review done cancelled')
    expect(await lastSeq()).toBe(9)
    expect((await task()).status).toBe('backlog')
  })

  it.each([
    ['in_review', 'started', true, false],
    ['done', 'completed', true, true],
    ['cancelled', 'cancelled', true, false],
    ['backlog', 'backlog', false, false],
  ])('to %s, where they are %s as if each had been moved there', async (into, _group, keeps, completes) => {
    const { task, move, remove } = await board()
    const started = (await move(await task(), 'in_progress')).body.data as Task
    await remove('in_progress', into)
    const now: Task = await ann.api.data('GET', `/tasks/${started.id}`)
    expect(now.status).toBe(into)
    expect(now.startedAt).toBe(keeps ? started.startedAt : null)
    expect(now.completedAt).toBe(completes ? now.updatedAt : null)
  })

  it('takes back what its tasks had completed, or lets them keep when', async () => {
    const { add, task, remove } = await board()
    await add({ key: 'shipped', group: 'completed' })
    const done = await task({ status: 'done' })
    expect(done.completedAt).not.toBeNull()
    await remove('done', 'shipped')
    expect((await ann.api.data('GET', `/tasks/${done.id}`)).completedAt).toBe(done.completedAt)
    await remove('shipped', 'todo')
    expect((await ann.api.data('GET', `/tasks/${done.id}`)).completedAt).toBeNull()
  })

  it('takes its deleted tasks along', async () => {
    const { id, task, remove, changes } = await board()
    const gone = await task()
    await ann.api.data('DELETE', `/tasks/${gone.id}`)
    await remove('todo', 'done')
    expect(await rows(app, 'select status, seq from tasks where project_id = $1', [id])).toEqual([
      { status: 'done', seq: 2 },
    ])
    expect(await changes(3)).toEqual({ lastSeq: 3, changes: [] })
  })

  it('is refused where its tasks find no room, and where none is left', async () => {
    const { task, change, remove, keys, cards } = await board()
    await change('in_review', { wipLimit: 2 })
    await task({ status: 'in_review' })
    await race(2, () => task())
    expect(problemOf(await remove('todo', 'in_review'))).toBe('409 WIP_LIMIT_REACHED')
    expect([await keys(), (await cards('todo')).length]).toEqual([defaults, 2])
    await change('in_review', { wipLimit: 3 })
    expect((await remove('todo', 'in_review')).status).toBe(204)
    // Full as it is, it takes the place of a column without tasks.
    expect((await remove('backlog', 'in_review')).status).toBe(204)
    await change('in_review', { wipLimit: null })
    for (const key of ['in_progress', 'done', 'cancelled']) await remove(key, 'in_review')
    expect(problemOf(await remove('in_review', 'in_review'))).toBe('409 LAST_COLUMN')
    expect(await keys()).toBe('in_review')
  })

  it('is not the last one, though all that are left are removed at once', async () => {
    const { task, keys, remove, cards } = await board()
    for (const key of ['backlog', 'in_progress', 'in_review', 'cancelled']) await remove(key, 'todo')
    await race(4, index => task({ status: index % 2 ? 'todo' : 'done' }))
    const answers = await race(10, index => (index % 2 ? remove('todo', 'done') : remove('done', 'todo')))
    expect(tally(answers)).toEqual({ 204: 1, '404 COLUMN_NOT_FOUND': 4, '409 LAST_COLUMN': 5 })
    expect(await cards(await keys())).toHaveLength(4)
  })

  it('loses no task, though fifty move in and out of it meanwhile', async () => {
    const { id, task, move, remove } = await board()
    const tasks = await race(50, index => task({ status: index % 2 ? 'in_review' : 'todo' }))
    const answers = await race(51, index => {
      if (index === 25) return remove('in_review', 'done')
      const mover = tasks[index > 25 ? index - 1 : index] as Task
      return move(mover, mover.status === 'todo' ? 'in_review' : 'in_progress')
    })
    const { 200: moved = 0, 204: removed, '422 STATUS_NOT_FOUND': late = 0, ...others } = tally(answers)
    expect([removed, moved + late, others]).toEqual([1, 50, {}])
    const found = await rows(
      app,
      `select count(*)::int as n, count(distinct seq)::int as seqs, count(*) filter (where status = 'in_review')::int as stuck,
        count(*) filter (where (status = 'done') <> (completed_at is not null))::int as wrong
       from tasks where project_id = $1 and deleted_at is null`,
      [id],
    )
    expect(found).toEqual([{ n: 50, seqs: 50, stuck: 0, wrong: 0 }])
  })

  it('costs the same statements for many tasks as for few', async () => {
    const cost = async (count: number) => {
      const { task, remove } = await board()
      await race(count, () => task())
      const before = app.statements()
      await remove('todo', 'done')
      return app.statements() - before
    }
    const [few, many] = [await cost(2), await cost(30)]
    // The server has a pulse of its own.
    expect(Math.abs(many - few)).toBeLessThan(10)
  })
})

describe('a WIP limit', () => {
  it('of five lets five of fifty racers in, however they come', async () => {
    const { id, change, task, move, cards } = await board()
    await change('in_review', { wipLimit: 5 })
    const tasks = await race(40, () => task())
    const answers = await race(50, index => {
      const mover = tasks[index]
      if (!mover) return ann.api.post(`/projects/${id}/tasks`, { title: 'new', status: 'in_review' })
      if (index % 2) return move(mover, 'in_review')
      return ann.api.post(`/tasks/${mover.id}/reorder`, { status: 'in_review' })
    })
    const { '409 WIP_LIMIT_REACHED': refused, ...entered } = tally(answers)
    expect([refused, (entered[200] ?? 0) + (entered[201] ?? 0)]).toEqual([45, 5])
    const inside = await cards('in_review')
    expect(inside).toHaveLength(5)
    await ann.api.data('POST', `/tasks/${inside[4]?.id}/reorder`, { before: inside[0]?.id })
    await ann.api.data('DELETE', `/tasks/${inside[0]?.id}`)
    expect((await task({ status: 'in_review' })).status).toBe('in_review')
  })

  it('below what is there lets nobody in, and throws nobody out', async () => {
    const { change, task, cards } = await board()
    await race(3, () => task({ status: 'in_review' }))
    expect((await change('in_review', { wipLimit: 1 })).status).toBe(200)
    expect(await cards('in_review')).toHaveLength(3)
    const [first] = await cards('in_review')
    expect((await ann.api.patch(`/tasks/${first?.id}`, { title: 'Still editable' })).status).toBe(200)
  })
})

describe('the transitions of a column', () => {
  it('are the only ways out of it, by every route; a new task begins anywhere', async () => {
    const { change, task, move } = await board()
    await change('todo', { transitions: ['in_progress'] })
    await change('in_progress', { transitions: ['todo', 'in_review'] })
    await change('done', { transitions: [] })
    const one = await task()
    const refused = '409 TRANSITION_NOT_ALLOWED'
    expect(problemOf(await move(one, 'done'))).toBe(refused)
    expect(problemOf(await ann.api.patch(`/tasks/${one.id}`, { title: 'x', status: 'done' }))).toBe(refused)
    expect(problemOf(await ann.api.post(`/tasks/${one.id}/reorder`, { status: 'backlog' }))).toBe(refused)
    expect((await ann.api.data('GET', `/tasks/${one.id}`)).version).toBe(1)
    expect((await move(one, 'todo')).status).toBe(200)
    for (const status of ['in_progress', 'in_review', 'done'])
      expect((await move(one, status)).status).toBe(200)
    expect(problemOf(await move(one, 'todo'))).toBe(refused)
    expect((await ann.api.post(`/tasks/${one.id}/reorder`, { status: 'done' })).status).toBe(200)
    expect((await task({ status: 'done' })).status).toBe('done')
    await change('done', { transitions: null })
    expect((await move(one, 'backlog')).status).toBe(200)
    expect(problemOf(await move(one, 'nowhere'))).toBe('422 STATUS_NOT_FOUND body.status')
  })

  it('lead on where a column is gone: to where its tasks went, and from there to where it led', async () => {
    const { change, remove, columns } = await board()
    await change('todo', { transitions: ['in_progress', 'in_review'] })
    await change('in_progress', { transitions: ['in_review', 'todo'] })
    await change('in_review', { transitions: ['done', 'in_progress'] })
    await change('done', { transitions: ['backlog'] })
    await remove('in_review', 'in_progress')
    const ways = async () => (await columns()).map(({ key, transitions }) => [key, transitions])
    expect(await ways()).toEqual([
      ['backlog', null],
      ['todo', ['in_progress']],
      ['in_progress', ['todo', 'done']],
      ['done', ['backlog']],
      ['cancelled', null],
    ])
    await remove('backlog', 'done')
    expect((await ways()).at(-2)).toEqual(['done', null])
  })
})

describe('a change of the columns', () => {
  it('takes a number of the project’s sequence, after which whoever knows less begins afresh', async () => {
    const { id: projectId, add, change, remove, task, changes } = await board()
    const [updates, advances] = [heard(app, 'project.updated'), heard(app, 'project.advanced')]
    await task()
    await add({ key: 'waiting' })
    await change('waiting', { name: 'Waiting', position: 0 })
    await change('waiting', { name: 'Waiting', position: 0 })
    expect(await changes(2)).toEqual({ lastSeq: 3, reset: true })
    expect(await changes(3)).toEqual({ lastSeq: 3, changes: [] })
    await remove('todo', 'waiting')
    expect(await changes(4)).toEqual({ lastSeq: 5, reset: true })
    const later = await task()
    expect(await changes(5)).toEqual({ lastSeq: 6, changes: [{ ...later, deletedAt: null }] })
    expect(advances).toEqual([2, 3, 5].map(lastSeq => ({ workspaceId, projectId, lastSeq })))
    expect(updates).toEqual([2, 3, 5].map(() => ({ workspaceId, projectId })))
  })

  it('is told to live boards in its place, instead of the tasks that it moves', async () => {
    const { id: projectId, change, remove, task } = await board()
    const chat = await connectChat(app.origin, bob.accessToken)
    await chat.data('project:join', { projectId })
    await task()
    await change('todo', { name: 'Soon' })
    await chat.next('project:changed')
    await remove('todo', 'done')
    await task()
    await chat.next('task:created', ({ seq }) => seq === 5)
    const story = chat.heard.filter(({ event }) => /^(task|project):/.test(event))
    expect(story.map(({ event, data }) => `${event} ${data.seq}`)).toEqual([
      'task:created 1',
      'project:changed 2',
      'project:changed 4',
      'task:created 5',
    ])
    expect(chat.all('project:changed')[0]).toEqual({ projectId, seq: 2 })
    expect(await chat.data('project:join', { projectId, since: 3 })).toEqual({ lastSeq: 5, reset: true })
    chat.close()
  })

  it('is recorded with what was and what is', async () => {
    const { id, add, change, remove, task } = await board()
    await add({ key: 'waiting', name: 'Waiting' })
    await change('waiting', { name: 'On hold', position: 6, wipLimit: 2 })
    await race(2, () => task())
    await remove('todo', 'waiting')
    const recorded = await rows(
      app,
      `select type, actor_id, before, after from activities
       where project_id = $1 and type like 'project.status%' order by seq`,
      [id],
    )
    const waiting = { key: 'waiting', name: 'Waiting', group: 'started', wipLimit: null, transitions: null }
    const todo = { key: 'todo', name: 'To do', group: 'unstarted', wipLimit: null, transitions: null }
    expect(recorded).toEqual([
      { type: 'project.status_added', actor_id: ann.id, before: null, after: { ...waiting, position: 6 } },
      {
        type: 'project.status_updated',
        actor_id: ann.id,
        before: { key: 'waiting', name: 'Waiting', wipLimit: null },
        after: { key: 'waiting', name: 'On hold', wipLimit: 2 },
      },
      {
        type: 'project.status_removed',
        actor_id: ann.id,
        before: { ...todo, position: 1 },
        after: { remappedTo: 'waiting', tasks: 2 },
      },
    ])
  })
})

it('statistics go by what a column means, never by what it is called', async () => {
  const { id, add, change, remove, task } = await board()
  await add({ key: 'todo_2', name: 'Done', group: 'unstarted' })
  await add({ key: 'shipped', name: 'Backlog', group: 'completed' })
  await change('done', { name: 'Cancelled' })
  await task({ status: 'todo_2', dueDate: '2020-01-01' })
  await task({ status: 'shipped', dueDate: '2020-01-01' })
  await task({ status: 'done', dueDate: '2020-01-01' })
  await task({ status: 'cancelled', dueDate: '2020-01-01' })
  await remove('backlog', 'todo_2')
  expect(await ann.api.data('GET', `/projects/${id}/stats`)).toMatchObject({
    tasksByStatus: { todo: 0, in_progress: 0, in_review: 0, done: 1, cancelled: 1, todo_2: 1, shipped: 1 },
    totalTasks: 4,
    completionRate: 67,
    overdueTasks: 1,
  })
  await remove('shipped', 'todo_2')
  expect(await ann.api.data('GET', `/projects/${id}/stats`)).toMatchObject({
    completionRate: 33,
    overdueTasks: 2,
  })
})
