import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Relation } from '../../src/modules/tasks/relations/relations.contract.js'
import type { Task } from '../../src/modules/tasks/tasks.contract.js'
import { registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { heard, newProject, newTask, problemOf, race, rows, statementsOf, tally } from './support.js'

let app: TestApp
let ann: TestUser
let gus: TestUser
let workspaceId: string
let projectId: string

beforeAll(async () => {
  app = await startApp()
  ;[ann, gus] = await registerAll(app.origin, 'Ann', 'Gus')
  workspaceId = (await workspaceOf(ann, [gus, 'guest'])).id
  projectId = (await newProject(ann, workspaceId)).id
})
afterAll(() => app.stop())

const task = (title = 'A task', place = projectId) => newTask(ann.api, place, { title })
const relate = (one: Task, kind: string, other: Task, { api } = ann) =>
  api.post(`/tasks/${one.id}/relations`, { kind, taskId: other.id })
const unrelate = (one: Task, kind: string, other: Task, { api } = ann) =>
  api.delete(`/tasks/${one.id}/relations/${kind}/${other.id}`)
const relationsOf = async ({ id }: Task, { api } = ann): Promise<Relation[]> =>
  api.data('GET', `/tasks/${id}/relations`)
/** `blocks Other` of each. */
const shown = async (one: Task, user = ann) =>
  (await relationsOf(one, user)).map(({ kind, task }) => `${kind} ${task.title}`)

describe('a relation', () => {
  it('is seen from both of its tasks, each with the other one in short', async () => {
    const [one, two] = [await task('One'), await task('Two')]
    const { status, headers, body } = await relate(one, 'blocks', two)
    expect([status, headers.get('location')]).toEqual([201, `/api/v1/tasks/${one.id}/relations`])
    const inShort = ({ id, key, title }: Task) => ({ id, projectId, key, title, status: 'todo' })
    const createdAt = expect.stringMatching(/Z$/)
    expect(body.data).toEqual({ kind: 'blocks', task: inShort(two), createdAt })
    expect(await relationsOf(one)).toEqual([body.data])
    expect(await relationsOf(two)).toEqual([{ ...body.data, kind: 'blockedBy', task: inShort(one) }])
  })

  it('can be given from either end, and has no second one of its kind', async () => {
    const [one, two] = [await task('One'), await task('Two')]
    expect((await relate(one, 'blockedBy', two)).body.data).toMatchObject({
      kind: 'blockedBy',
      task: { title: 'Two' },
    })
    for (const kind of ['duplicates', 'relates']) expect((await relate(two, kind, one)).status).toBe(201)
    const exists = '409 RELATION_EXISTS'
    expect(problemOf(await relate(two, 'blocks', one))).toBe(exists)
    expect(problemOf(await relate(one, 'duplicatedBy', two))).toBe(exists)
    for (const [a, b] of [
      [one, two],
      [two, one],
    ] as const) {
      expect(problemOf(await relate(a, 'relates', b))).toBe(exists)
    }
    expect(await shown(one)).toEqual(['blockedBy Two', 'duplicatedBy Two', 'relates Two'])
    expect(await shown(two)).toEqual(['blocks One', 'duplicates One', 'relates One'])
    expect(
      await rows(app, 'select 1 from task_relations where $1 in (from_task_id, to_task_id)', [one.id]),
    ).toHaveLength(3)
  })

  it('can be taken away from either end, once', async () => {
    const [one, two] = [await task('One'), await task('Two')]
    for (const kind of ['blocks', 'relates', 'duplicates']) await relate(one, kind, two)
    expect((await unrelate(two, 'blockedBy', one)).status).toBe(204)
    expect((await unrelate(two, 'relates', one)).status).toBe(204)
    expect(problemOf(await unrelate(one, 'blocks', two))).toBe('404 RELATION_NOT_FOUND')
    expect(problemOf(await unrelate(two, 'duplicates', one))).toBe('404 RELATION_NOT_FOUND')
    expect(await shown(one)).toEqual(['duplicates Two'])
  })

  it('changes both tasks in the sequences of their projects, but no version, and is in both histories', async () => {
    const far = await task('Far', (await newProject(ann, workspaceId)).id)
    const near = await task('Near', (await newProject(ann, workspaceId)).id)
    const updates = heard(app, 'task.updated')
    const headers = { 'X-Origin-Id': 'tab-1' }
    const path = `/tasks/${near.id}/relations`
    await ann.api.post(path, { kind: 'blocks', taskId: far.id }, { headers })
    await ann.api.delete(`${path}/blocks/${far.id}`)
    expect(
      updates.map(({ task, origin }) => [task.title, task.seq, task.version, origin]).toSorted(),
    ).toEqual([
      ['Far', 2, 1, 'tab-1'],
      ['Far', 3, 1, undefined],
      ['Near', 2, 1, 'tab-1'],
      ['Near', 3, 1, undefined],
    ])
    for (const { task } of updates.slice(2)) {
      expect((await ann.api.get(`/tasks/${task.id}`)).body.data).toEqual(task)
    }
    const history = (about: Task) =>
      rows(
        app,
        `select type, actor_id, project_id, before, after from activities
         where task_id = $1 and type like 'task.%related' order by seq`,
        [about.id],
      )
    const entries = (about: Task, relation: object) => {
      const place = { actor_id: ann.id, project_id: about.projectId }
      return [
        { type: 'task.related', ...place, before: null, after: relation },
        { type: 'task.unrelated', ...place, before: relation, after: null },
      ]
    }
    expect(await history(near)).toEqual(entries(near, { kind: 'blocks', taskId: far.id }))
    expect(await history(far)).toEqual(entries(far, { kind: 'blockedBy', taskId: near.id }))
  })

  it('that is refused leaves no trace', async () => {
    const [one, two] = [await task(), await task()]
    await relate(one, 'blocks', two)
    const state = () =>
      rows(
        app,
        `select (select last_seq from workspaces where id = $1) as workspace, (select last_seq from projects where id = $2) as project,
          (select count(*) from activities where workspace_id = $1) as activities`,
        [workspaceId, projectId],
      )
    const before = await state()
    const refused = [relate(one, 'blocks', two), relate(two, 'blocks', one), unrelate(one, 'relates', two)]
    expect(tally(await Promise.all(refused))).toEqual({
      '409 RELATION_EXISTS': 1,
      '422 RELATION_LOOP': 1,
      '404 RELATION_NOT_FOUND': 1,
    })
    expect(await state()).toEqual(before)
  })

  it('is between two tasks of one workspace, which are there', async () => {
    const one = await task()
    const elsewhere = await task('Elsewhere', (await newProject(ann, (await workspaceOf(ann)).id)).id)
    const gone = await task()
    await ann.api.data('DELETE', `/tasks/${gone.id}`)
    const wrong = '422 VALIDATION_ERROR body'
    expect(problemOf(await relate(one, 'relates', one))).toBe(`${wrong}.taskId`)
    expect(problemOf(await relate(one, 'relates', elsewhere))).toBe(`${wrong}.taskId`)
    expect(problemOf(await relate(one, 'loves', elsewhere))).toBe(`${wrong}.kind`)
    for (const other of [gone, { ...one, id: randomUUID() }]) {
      expect(problemOf(await relate(one, 'relates', other))).toBe('404 TASK_NOT_FOUND')
      expect(problemOf(await unrelate(one, 'relates', other))).toBe('404 TASK_NOT_FOUND')
    }
    expect(problemOf(await unrelate(one, 'loves', elsewhere))).toBe('422 VALIDATION_ERROR params.kind')
    expect(problemOf(await unrelate(one, 'relates', elsewhere))).toBe('404 RELATION_NOT_FOUND')
  })
})

describe('what blocks or duplicates', () => {
  it('never goes round in a circle, in whichever direction it is told', async () => {
    const [a, b, c] = [await task('a'), await task('b'), await task('c')]
    for (const [kind, inverse] of [
      ['blocks', 'blockedBy'],
      ['duplicates', 'duplicatedBy'],
    ] as const) {
      await relate(a, kind, b)
      await relate(c, inverse, b)
      expect(problemOf(await relate(b, kind, a))).toBe('422 RELATION_LOOP body.taskId')
      expect(problemOf(await relate(c, kind, a))).toBe('422 RELATION_LOOP body.taskId')
      expect(problemOf(await relate(a, inverse, c))).toBe('422 RELATION_LOOP body.taskId')
      expect((await relate(a, kind, c)).status).toBe(201)
    }
    expect((await relate(c, 'relates', a)).status).toBe(201)
  })

  it('may go where only deleted tasks were in the way', async () => {
    const [a, b, c] = [await task('a'), await task('b'), await task('c')]
    await relate(a, 'blocks', b)
    await relate(b, 'blocks', c)
    await ann.api.data('DELETE', `/tasks/${b.id}`)
    expect((await relate(c, 'blocks', a)).status).toBe(201)
    expect(await shown(a)).toEqual(['blockedBy c'])
  })

  it('is not closed to a circle by fifty racers, nor stored twice', async () => {
    const ring: Task[] = []
    for (let index = 0; index < 50; index++) ring.push(await task(String(index)))
    const at = (index: number) => ring[index % 50] as Task
    const answers = await race(50, index => relate(at(index), 'blocks', at(index + 1)))
    expect(tally(answers)).toEqual({ 201: 49, '422 RELATION_LOOP': 1 })
    const twice = await race(20, index => relate(at(index % 2), 'relates', at((index + 1) % 2)))
    expect(tally(twice)).toEqual({ 201: 1, '409 RELATION_EXISTS': 19 })
  })
})

describe('the relations of a task', () => {
  it('show a guest only what he sees, and let him change only that', async () => {
    const shared = (await newProject(ann, workspaceId)).id
    await ann.api.data('PUT', `/projects/${shared}/members/${gus.id}`)
    const [mine, open, hidden] = [
      await task('mine', shared),
      await task('open', shared),
      await task('hidden'),
    ]
    await relate(mine, 'blocks', hidden)
    await relate(mine, 'relates', hidden)
    expect((await relate(mine, 'blocks', open, gus)).status).toBe(201)
    expect(await shown(mine, gus)).toEqual(['blocks open'])
    expect(await shown(mine)).toHaveLength(3)
    expect(problemOf(await relate(mine, 'duplicates', hidden, gus))).toBe('404 TASK_NOT_FOUND')
    expect(problemOf(await relate(hidden, 'duplicates', mine, gus))).toBe('404 TASK_NOT_FOUND')
    expect(problemOf(await unrelate(mine, 'blocks', hidden, gus))).toBe('404 TASK_NOT_FOUND')
    expect(problemOf(await unrelate(hidden, 'blockedBy', mine, gus))).toBe('404 TASK_NOT_FOUND')
    expect((await unrelate(open, 'blockedBy', mine, gus)).status).toBe(204)
    await ann.api.data('DELETE', `/projects/${hidden.projectId}`).finally(async () => {
      projectId = (await newProject(ann, workspaceId)).id
    })
    expect(await shown(mine)).toEqual([])
  })

  it('are paged, in the order they were made, at the same cost for many as for few', async () => {
    const one = await task()
    const cost = () => statementsOf(app, () => ann.api.get(`/tasks/${one.id}/relations`))
    const none = await cost()
    const others: Task[] = []
    for (let index = 0; index < 7; index++) {
      const other = await task(String(index))
      others.push(other)
      await relate(one, index % 2 ? 'blockedBy' : 'relates', other)
    }
    expect(await cost()).toBe(none)
    // All at the same moment: the order is that of the ids.
    await rows(
      app,
      `update task_relations set created_at = '2026-01-01' where $1 in (from_task_id, to_task_id)`,
      [one.id],
    )
    const seen: Relation[] = []
    for (let cursor = ''; ; ) {
      const { body } = await ann.api.get(`/tasks/${one.id}/relations?limit=2${cursor}`)
      seen.push(...body.data)
      if (body.meta.nextCursor === null) break
      cursor = `&cursor=${body.meta.nextCursor}`
    }
    expect(seen.map(relation => relation.task.id)).toEqual(others.map(({ id }) => id).toSorted())
    expect(problemOf(await ann.api.get(`/tasks/${one.id}/relations?cursor=x`))).toBe('422 INVALID_CURSOR')
  })
})
