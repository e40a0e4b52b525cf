import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Task } from '../../src/modules/tasks/tasks.contract.js'
import { register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { heard, newProject, newTask, problemOf, race, rows, statementsOf, titles, walk } from './support.js'

let app: TestApp
let ann: TestUser
let workspace: { id: string }

beforeAll(async () => {
  app = await startApp()
  ann = await register(app.origin, 'Ann')
  workspace = await workspaceOf(ann)
})
afterAll(() => app.stop())

const reorder = (task: Task, body: object) => ann.api.post(`/tasks/${task.id}/reorder`, body)

async function cards(count: number) {
  const project = await newProject(ann, workspace.id)
  const tasks: Task[] = []
  for (let index = 0; index < count; index++) {
    tasks.push(await newTask(ann.api, project.id, { title: String(index) }))
  }
  const column = async (status = 'todo') =>
    titles((await ann.api.get(`/projects/${project.id}/tasks?sort=rank&status=${status}`)).body.data)
  return { project, tasks: tasks as [Task, Task, Task, ...Task[]], column }
}

describe('the order of a column', () => {
  it('is that of arrival, until a card is put before or after another', async () => {
    const { tasks, column } = await cards(4)
    const [zero, one, two, three] = tasks
    expect(await column()).toEqual(['0', '1', '2', '3'])
    const moved = heard(app, 'task.moved')
    const answer = await reorder(three as Task, { before: zero.id })
    expect(answer.status).toBe(200)
    expect(answer.body.data).toMatchObject({ version: 2, seq: 5 })
    expect(moved).toEqual([{ task: answer.body.data }])
    expect(await column()).toEqual(['3', '0', '1', '2'])
    await reorder(zero, { after: one.id })
    expect(await column()).toEqual(['3', '1', '0', '2'])
    await reorder(three as Task, { status: 'todo' })
    expect(await column()).toEqual(['1', '0', '2', '3'])
    expect((await reorder(two, { after: zero.id })).body.data.version).toBe(1)
    expect(await column()).toEqual(['1', '0', '2', '3'])
  })

  it('takes a card from another column, at the place named or at the end', async () => {
    const { tasks, column } = await cards(5)
    const [zero, one, two, three, four] = tasks
    await reorder(zero, { status: 'in_progress' })
    await reorder(one, { status: 'in_progress', before: zero.id })
    const third = await reorder(two, { status: 'in_progress', after: one.id })
    expect(third.body.data).toMatchObject({ status: 'in_progress', startedAt: expect.any(String) })
    await ann.api.patch(`/tasks/${three?.id}/status`, { status: 'in_progress' })
    expect(await column('in_progress')).toEqual(['1', '2', '0', '3'])
    expect(await column()).toEqual(['4'])

    const nowhere = '422 NEIGHBOUR_NOT_FOUND'
    expect(problemOf(await reorder(four as Task, { before: zero.id }))).toBe(`${nowhere} body.before`)
    expect(problemOf(await reorder(zero, { after: zero.id }))).toBe(`${nowhere} body.after`)
    expect(problemOf(await reorder(zero, { after: crypto.randomUUID() }))).toBe(`${nowhere} body.after`)
    expect(problemOf(await reorder(zero, { status: 'done', before: one.id }))).toBe(`${nowhere} body.before`)
    await ann.api.delete(`/tasks/${one.id}`)
    expect(problemOf(await reorder(zero, { before: one.id }))).toBe(`${nowhere} body.before`)
    expect(problemOf(await reorder(zero, { status: 'nowhere' }))).toBe('422 STATUS_NOT_FOUND body.status')
    expect(problemOf(await reorder(zero, {}))).toBe('422 VALIDATION_ERROR body')
    expect(problemOf(await reorder(zero, { before: one.id, after: two.id }))).toBe(
      '422 VALIDATION_ERROR body',
    )
  })

  it('follows a plain list through any moves', async () => {
    const { tasks, column } = await cards(6)
    const expected = ['0', '1', '2', '3', '4', '5']
    for (let step = 0; step < 40; step++) {
      const card = (step * 5 + 2) % 6
      const anchor = (card + 1 + (step % 5)) % 6
      const side = step % 3 ? 'before' : 'after'
      expect((await reorder(tasks[card] as Task, { [side]: tasks[anchor]?.id })).status).toBe(200)
      expected.splice(expected.indexOf(String(card)), 1)
      expected.splice(expected.indexOf(String(anchor)) + (side === 'after' ? 1 : 0), 0, String(card))
      expect(await column()).toEqual(expected)
    }
  })
})

describe('a board', () => {
  it('has the columns in order, each with its first cards and where they go on', async () => {
    const { project, tasks } = await cards(3)
    await reorder(tasks[2], { before: tasks[0].id })
    await newTask(ann.api, project.id, { title: 'finished', status: 'done' })
    await rows(
      app,
      `insert into tasks (id, workspace_id, project_id, number, title, status, reporter_id, rank, seq)
       select gen_random_uuid(), $1, $2, 1000 + n, 'Card ' || n, 'backlog', $3, 'b' || lpad(n::text, 2, '0') || 'V', 1000 + n
       from generate_series(0, 99) n`,
      [workspace.id, project.id, ann.id],
    )
    await rows(app, 'update projects set last_seq = 1100 where id = $1', [project.id])
    const { body } = await ann.api.get(`/projects/${project.id}/board`)
    const columns = body.data.columns
    expect(columns.map((column: { key: string }) => column.key)).toEqual([
      'backlog',
      'todo',
      'in_progress',
      'in_review',
      'done',
      'cancelled',
    ])
    const [backlog, todo, , , done] = columns
    expect(titles(todo.tasks)).toEqual(['2', '0', '1'])
    expect([todo.nextCursor, titles(done.tasks)]).toEqual([null, ['finished']])
    expect(backlog.tasks).toHaveLength(50)

    const list = `/projects/${project.id}/tasks?status=backlog&sort=rank`
    const rest = await ann.api.get(`${list}&limit=100&cursor=${backlog.nextCursor}`)
    expect([...backlog.tasks, ...rest.body.data]).toEqual(await walk(ann.api, list))
    expect(rest.body.meta.nextCursor).toBeNull()
  })

  it('costs the same few statements, however many cards and columns it has', async () => {
    const { project } = await cards(3)
    const cost = () => statementsOf(app, () => ann.api.get(`/projects/${project.id}/board`))
    const few = await cost()
    await race(30, index =>
      newTask(ann.api, project.id, { status: index % 2 ? 'done' : 'backlog', assigneeIds: [ann.id] }),
    )
    expect(await cost()).toBe(few)
    expect(few).toBeLessThanOrEqual(4)
  })
})
