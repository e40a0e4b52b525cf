import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Task } from '../../src/modules/tasks/tasks.contract.js'
import { expectNoDifference } from '../stats/recount.js'
import { registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { connectChat } from '../support/chat.js'
import { heard, newProject, newTask, problemOf, race, rows, tally, titles } from './support.js'

let app: TestApp
let ann: TestUser
let bob: TestUser
let gus: TestUser
let workspaceId: string

/** A project of its own, and what is done in it at once. */
async function ground() {
  const project = await newProject(ann, workspaceId)
  const { id } = project
  await ann.api.data('PUT', `/projects/${id}/members/${gus.id}`)
  const path = `/projects/${id}/tasks/bulk`
  const lastSeq = async (): Promise<number> => (await ann.api.data('GET', `/projects/${id}`)).lastSeq
  return {
    ...project,
    path,
    lastSeq,
    bulk: (body: unknown, user = ann, headers = {}) => user.api.post(path, body, { headers }),
    make: async (count: number, fields: object = {}): Promise<Task[]> =>
      ann.api.data('POST', path, { tasks: numbered(count, fields) }),
    task: (fields: object = {}) => newTask(ann.api, id, fields),
    column: (key: string, fields: object) => ann.api.data('PATCH', `/projects/${id}/statuses/${key}`, fields),
    list: async (): Promise<Task[]> => (await ann.api.get(`/projects/${id}/tasks?limit=100`)).body.data,
    changes: async (since: number) => ann.api.data('GET', `/projects/${id}/changes?since=${since}`),
    agrees: () => expectNoDifference(app, { workspaceIds: [workspaceId], projectIds: [id] }, Date.now()),
    /** All that must stay as it is where a request is refused. */
    standing: async () => ({
      seq: await lastSeq(),
      rows: await rows(app, 'select * from tasks where project_id = $1 order by id', [id]),
      activities: await rows(app, 'select seq from activities where workspace_id = $1 order by seq', [
        workspaceId,
      ]),
      assigned: await rows(app, 'select task_id, user_id from task_assignees order by 1, 2'),
    }),
  }
}

const numbered = (count: number, fields: object = {}) =>
  Array.from({ length: count }, (_, index) => ({ title: `Task ${index}`, ...fields }))
const idsOf = (tasks: readonly { id: string }[]) => tasks.map(({ id }) => id)
const upTo = (count: number, after = 0) => Array.from({ length: count }, (_, index) => after + index + 1)
const activitiesSince = async (seq: number) =>
  rows(
    app,
    `select seq, type, task_id as id, actor_id as by, before, after from activities
     where workspace_id = $1 and seq > $2 order by seq`,
    [workspaceId, seq],
  )
const activitySeq = async () =>
  (await rows(app, 'select last_seq from workspaces where id = $1', [workspaceId]))[0].last_seq

describe.each(['postgres', 'embedded'] as const)('many tasks at once on %s', on => {
  beforeAll(async () => {
    app = await startApp({ on })
    ;[ann, bob, gus] = await registerAll(app.origin, 'Ann', 'Bob', 'Gus')
    workspaceId = (await workspaceOf(ann, bob, [gus, 'guest'])).id
  })
  afterAll(() => app.stop())

  test('are made in the order given, each as it would be alone', async () => {
    const { id, key, bulk, task, lastSeq, changes, agrees } = await ground()
    const parent = await task()
    const label = await ann.api.data('POST', `/workspaces/${workspaceId}/labels`, {
      name: randomUUID(),
      color: '#1f6feb',
    })
    const before = await activitySeq()
    const given = [
      { title: 'one', assigneeIds: [bob.id, ann.id], labelIds: [label.id] },
      { title: 'two', status: 'done', dueDate: '2026-01-02' },
      { title: 'three', parentTaskId: parent.id, assigneeIds: [bob.id] },
      { title: 'four', status: 'todo', priority: 'high' },
    ]
    const { status, headers, body } = await bulk({ tasks: given })
    expect([status, headers.get('location')]).toEqual([201, `/api/v1/projects/${id}/tasks`])
    const made: Task[] = body.data
    expect(made).toMatchObject([
      { title: 'one', key: `${key}-2`, seq: 2, status: 'todo', labels: [{ id: label.id }] },
      { title: 'two', key: `${key}-3`, seq: 3, status: 'done', completedAt: expect.any(String) },
      { title: 'three', key: `${key}-4`, seq: 4, status: 'todo', parentTaskId: parent.id },
      { title: 'four', key: `${key}-5`, seq: 5, status: 'todo', priority: 'high' },
    ])
    expect(made.map(({ assignees }) => idsOf(assignees).sort())).toEqual([
      [ann.id, bob.id].sort(),
      [],
      [bob.id],
      [],
    ])
    expect(await lastSeq()).toBe(5)
    expect(
      (await changes(1)).changes.map(({ deletedAt, ...task }: Task & { deletedAt: null }) => task),
    ).toEqual(made)
    const { columns } = await ann.api.data('GET', `/projects/${id}/board`)
    expect(titles(columns[1].tasks)).toEqual(['A task', 'one', 'three', 'four'])
    expect(await activitiesSince(before)).toMatchObject(
      made.map((task, index) => ({
        seq: before + index + 1,
        type: 'task.created',
        id: task.id,
        by: ann.id,
        after: { title: task.title, seq: task.seq },
      })),
    )
    await agrees()
  })

  test('are changed alike, and given in the order named, with a number for each that was not so already', async () => {
    const { id, bulk, make, lastSeq, agrees } = await ground()
    const [one, two, three, four] = (await make(4)) as [Task, Task, Task, Task]
    await ann.api.data('PATCH', `/tasks/${two.id}`, { status: 'done', priority: 'high' })
    const before = await activitySeq()
    const taskIds = idsOf([three, two, one])
    const { status, body } = await bulk({ taskIds, update: { status: 'done', priority: 'high' } })
    expect(status).toBe(200)
    expect(body.data).toMatchObject([
      { id: three.id, seq: 6, version: 2, status: 'done', priority: 'high', completedAt: expect.any(String) },
      { id: two.id, seq: 5, version: 2 },
      { id: one.id, seq: 7, version: 2, status: 'done', priority: 'high', completedAt: expect.any(String) },
    ])
    expect(await lastSeq()).toBe(7)
    const { columns } = await ann.api.data('GET', `/projects/${id}/board`)
    expect(idsOf(columns[4].tasks)).toEqual(idsOf([two, three, one]))
    expect(idsOf(columns[1].tasks)).toEqual([four.id])
    expect(await activitiesSince(before)).toMatchObject([
      { type: 'task.moved', id: three.id, before: { status: 'todo' }, after: { status: 'done' } },
      { type: 'task.moved', id: one.id, before: { priority: 'none' }, after: { priority: 'high' } },
    ])
    const update = {
      assigneeIds: [bob.id],
      dueDate: '2026-02-03',
      estimatePoints: 3,
      parentTaskId: four.id,
    }
    await ann.api.data('PUT', `/tasks/${two.id}/assignees/${ann.id}`)
    const all = (await bulk({ taskIds, update })).body.data
    expect(all).toMatchObject(
      taskIds.map(id => ({
        id,
        assignees: [{ id: bob.id }],
        dueDate: '2026-02-03T00:00:00.000Z',
        parentTaskId: four.id,
      })),
    )
    expect(await lastSeq()).toBe(11)
    expect((await bulk({ taskIds, update })).body.data).toEqual(all)
    expect(await lastSeq()).toBe(11)
    await agrees()
  })

  test('are deleted with those below them, each once', async () => {
    const { bulk, make, task, lastSeq, list, changes, agrees } = await ground()
    const [one, two, three] = (await make(3)) as [Task, Task, Task]
    const below = await task({ parentTaskId: one.id })
    const deeper = await task({ parentTaskId: below.id })
    const deepest = await task({ parentTaskId: deeper.id })
    const before = await activitySeq()
    const { status, body } = await bulk({ taskIds: idsOf([two, one, deeper]), delete: true })
    expect([status, body.data]).toEqual([200, { deleted: 5 }])
    expect(idsOf(await list())).toEqual([three.id])
    expect(await lastSeq()).toBe(11)
    const { changes: gone } = await changes(6)
    expect(idsOf(gone)).toEqual(idsOf([two, one, below, deeper, deepest]))
    expect(gone.map(({ seq }: Task) => seq)).toEqual(upTo(5, 6))
    expect(await activitiesSince(before)).toMatchObject([
      { type: 'task.deleted', id: two.id, before: { taskIds: [two.id] } },
      { type: 'task.deleted', id: one.id, before: { taskIds: idsOf([one, below]) } },
      { type: 'task.deleted', id: deeper.id, before: { taskIds: idsOf([deeper, deepest]) } },
    ])
    expect(problemOf(await bulk({ taskIds: idsOf([three, one]), delete: true }))).toBe(
      '404 TASK_NOT_FOUND body.taskIds.1',
    )
    await agrees()
  })

  test('are all refused for one of them, which is named, and nothing has happened', async () => {
    const { bulk, make, task, column, standing } = await ground()
    const [one, two] = (await make(2)) as [Task, Task]
    const chain = [one]
    for (let depth = 1; depth <= 5; depth++) chain.push(await task({ parentTaskId: chain.at(-1)?.id }))
    const elsewhere = await newTask(ann.api, (await newProject(ann, workspaceId)).id)
    await column('in_progress', { wipLimit: 3 })
    await column('backlog', { transitions: ['todo'] })
    const early = await task({ status: 'backlog' })
    const before = await standing()
    const stranger = randomUUID()
    const fine = { title: 'fine' }
    const refusals: [body: unknown, problem: string][] = [
      [{ tasks: [fine, { ...fine, status: 'nowhere' }] }, '422 STATUS_NOT_FOUND body.tasks.1.status'],
      [
        { tasks: [fine, { ...fine, parentTaskId: elsewhere.id }] },
        '422 PARENT_NOT_FOUND body.tasks.1.parentTaskId',
      ],
      [
        { tasks: [fine, { ...fine, parentTaskId: chain.at(-1)?.id }] },
        '422 PARENT_TOO_DEEP body.tasks.1.parentTaskId',
      ],
      [
        {
          tasks: [
            { ...fine, assigneeIds: [bob.id] },
            { ...fine, assigneeIds: [bob.id, stranger] },
          ],
        },
        '422 NOT_WORKSPACE_MEMBER body.tasks.1.assigneeIds',
      ],
      [{ tasks: [fine, { ...fine, labelIds: [stranger] }] }, '404 LABEL_NOT_FOUND body.tasks.1.labelIds'],
      [{ tasks: numbered(4, { status: 'in_progress' }) }, '409 WIP_LIMIT_REACHED'],
      [
        { taskIds: idsOf([one, elsewhere, two]), update: { priority: 'low' } },
        '404 TASK_NOT_FOUND body.taskIds.1',
      ],
      [{ taskIds: idsOf([one, two, early]), update: { status: 'done' } }, '409 TRANSITION_NOT_ALLOWED'],
      [{ taskIds: idsOf(chain.slice(0, 4)), update: { status: 'in_progress' } }, '409 WIP_LIMIT_REACHED'],
      [
        { taskIds: idsOf([two, one]), update: { parentTaskId: chain[3]?.id } },
        '422 PARENT_LOOP body.update.parentTaskId',
      ],
      [
        { taskIds: idsOf([two, one]), update: { assigneeIds: [stranger] } },
        '422 NOT_WORKSPACE_MEMBER body.update.assigneeIds',
      ],
      [
        { taskIds: idsOf([two, one]), update: { status: 'nowhere' } },
        '422 STATUS_NOT_FOUND body.update.status',
      ],
      [{ taskIds: idsOf([two, elsewhere]), delete: true }, '404 TASK_NOT_FOUND body.taskIds.1'],
    ]
    for (const [body, problem] of refusals) expect(problemOf(await bulk(body))).toBe(problem)
    expect(await standing()).toEqual(before)
    expect((await bulk({ tasks: numbered(3, { status: 'in_progress' }) })).status).toBe(201)
  })

  test('come in one of three bodies, and anything else is refused by the field', async () => {
    const { bulk, standing, make } = await ground()
    const [{ id }] = (await make(1)) as [Task]
    const before = await standing()
    const wrong: [body: unknown, fields: string][] = [
      [{}, 'body.tasks'],
      [{ tasks: [] }, 'body.tasks'],
      [{ tasks: numbered(101) }, 'body.tasks'],
      [{ tasks: [{ title: 'x' }, { title: 'x', x: 1 }] }, 'body.tasks.1.x'],
      [{ tasks: [{ title: 'x' }], taskIds: [id] }, 'body.taskIds'],
      [{ taskIds: [id] }, 'body.update'],
      [{ taskIds: [id, id], update: { priority: 'low' } }, 'body.taskIds'],
      [{ taskIds: [id, id.toUpperCase()], delete: true }, 'body.taskIds'],
      [{ taskIds: ['x'], update: { priority: 'low' } }, 'body.taskIds.0'],
      [{ taskIds: [id], update: {} }, 'body.update'],
      [{ taskIds: [id], update: { title: 'x' } }, 'body.update.title body.update'],
      [{ taskIds: [id], update: { priority: 'low' }, delete: true }, 'body.delete'],
      [{ taskIds: [id], delete: false }, 'body.delete'],
      [{ taskIds: [id], delete: true, x: 1 }, 'body.x'],
    ]
    for (const [body, fields] of wrong)
      expect(problemOf(await bulk(body)), JSON.stringify(body).slice(0, 80)).toBe(
        `422 VALIDATION_ERROR ${fields}`,
      )
    expect(await standing()).toEqual(before)
  })

  test('fill a column to its limit and no further, however many come at once', async () => {
    const { bulk, make, column, list, lastSeq, agrees } = await ground()
    await column('in_review', { wipLimit: 20 })
    const made = await make(50)
    const answers = await race(50, index => {
      if (index % 2) return bulk({ tasks: numbered(3, { status: 'in_review' }) })
      const taskIds = idsOf(made.slice(index, index + 2))
      return bulk({ taskIds, update: { status: 'in_review' } })
    })
    const counts = tally(answers)
    expect(counts['409 WIP_LIMIT_REACHED']).toBeGreaterThan(30)
    const tasks = await list()
    const inside = tasks.filter(({ status }) => status === 'in_review')
    expect(inside.length).toBe(2 * (counts[200] ?? 0) + 3 * (counts[201] ?? 0))
    // Whatever comes last does not fit by one or two.
    expect(inside.length).toBeGreaterThan(17)
    expect(inside.length).toBeLessThanOrEqual(20)
    expect(new Set(inside.map(({ rank }) => rank)).size).toBe(inside.length)
    // The limit took one, too.
    expect(await lastSeq()).toBe(51 + inside.length)
    await agrees()
  })

  test('are for those who see the project; a guest deletes only what he reported', async () => {
    const { id, bulk, make, task } = await ground()
    const [theirs] = (await make(1)) as [Task]
    const made = await bulk({ tasks: numbered(2) }, gus)
    expect(made.status).toBe(201)
    const [own, other] = made.body.data
    expect((await bulk({ taskIds: [theirs.id, own.id], update: { priority: 'low' } }, gus)).status).toBe(200)
    expect(problemOf(await bulk({ taskIds: [own.id, theirs.id], delete: true }, gus))).toBe(
      '403 GUEST_FORBIDDEN',
    )
    await task({ parentTaskId: own.id })
    expect(problemOf(await bulk({ taskIds: [own.id], delete: true }, gus))).toBe('403 GUEST_FORBIDDEN')
    expect((await bulk({ taskIds: [other.id], delete: true }, gus)).body.data).toEqual({ deleted: 1 })
    await ann.api.data('DELETE', `/projects/${id}/members/${gus.id}`)
    for (const body of [
      { tasks: numbered(1) },
      { taskIds: [own.id], update: { priority: 'high' } },
      { taskIds: [own.id], delete: true },
    ])
      expect(problemOf(await bulk(body, gus))).toBe('404 PROJECT_NOT_FOUND')
  })

  test('are told to a live board once each, in order, with who caused it', async () => {
    const { id, bulk } = await ground()
    const chat = await connectChat(app.origin, bob.accessToken)
    await chat.data('project:join', { projectId: id })
    const origin = { 'x-origin-id': 'tab-1' }
    const made: Task[] = (await bulk({ tasks: numbered(100) }, ann, origin)).body.data
    const taskIds = idsOf(made)
    await bulk({ taskIds, update: { priority: 'high' } }, ann, origin)
    await bulk({ taskIds: taskIds.slice(0, 60), update: { status: 'done' } }, ann, origin)
    await bulk({ taskIds, delete: true }, ann, origin)
    const told = () => chat.heard.filter(({ event }) => event.startsWith('task:'))
    await chat.until(() => told().find(({ data }) => data.seq === 360))
    await chat.settled()
    expect(told().map(({ data }) => data.seq)).toEqual(upTo(360))
    expect(told().map(({ event }) => event)).toEqual([
      ...Array(100).fill('task:created'),
      ...Array(100).fill('task:updated'),
      ...Array(60).fill('task:moved'),
      ...Array(100).fill('task:deleted'),
    ])
    expect(new Set(told().map(({ data }) => data.origin))).toEqual(new Set(['tab-1']))
    expect(
      told()
        .slice(0, 100)
        .map(({ data }) => data.id),
    ).toEqual(taskIds)
    chat.close()
  })

  test('are made once, however often a request with one key comes', async () => {
    const { bulk, list } = await ground()
    const key = { 'idempotency-key': randomUUID() }
    const body = { tasks: numbered(3) }
    const first = await bulk(body, ann, key)
    const second = await bulk(body, ann, key)
    expect([first.status, second.status]).toEqual([201, 201])
    expect(second.body).toEqual(first.body)
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(problemOf(await bulk({ tasks: numbered(4) }, ann, key))).toBe('422 IDEMPOTENCY_KEY_REUSED')
    expect(await list()).toHaveLength(3)
  })

  test('cost as many statements as a few', async () => {
    const { bulk, make } = await ground()
    await app.quiet()
    const cost = async (body: unknown) => {
      const before = app.statements()
      expect((await bulk(body)).status).toBeLessThan(300)
      return app.statements() - before
    }
    const update = { status: 'done', assigneeIds: [bob.id], dueDate: '2026-03-04' }
    const costs = async (count: number) => {
      const taskIds = idsOf(await make(count))
      return [
        await cost({ tasks: numbered(count, { assigneeIds: [bob.id] }) }),
        await cost({ taskIds, update }),
        await cost({ taskIds, delete: true }),
      ]
    }
    // The least of some tries, for the server has a pulse of its own.
    const least = async (count: number) => {
      const tries = [await costs(count), await costs(count), await costs(count)]
      return [0, 1, 2].map(which => Math.min(...tries.map(all => all[which] ?? 0)))
    }
    expect(await least(100)).toEqual(await least(2))
  })

  test('wake whoever follows the activity of the workspace', async () => {
    const { make } = await ground()
    const woken = heard(app, 'activity.recorded')
    await make(3)
    expect(woken).toEqual([{ workspaceId, seq: await activitySeq() }])
  })
})
