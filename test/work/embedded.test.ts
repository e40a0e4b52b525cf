import { afterAll, beforeAll, expect, it } from 'vitest'
import { registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { newProject, newTask, problemOf, race, tally, titles, walk } from './support.js'

let app: TestApp
let ann: TestUser
let bob: TestUser

beforeAll(async () => {
  app = await startApp({ on: 'embedded' })
  ;[ann, bob] = await registerAll(app.origin, 'Ann', 'Bob')
})
afterAll(() => app.stop())

it('the embedded database carries projects and tasks just as Postgres does', async () => {
  const workspace = await workspaceOf(ann, bob)
  const project = await newProject(ann, workspace.id)
  const list = `/projects/${project.id}/tasks`
  const made = await race(20, index =>
    newTask(ann.api, project.id, {
      title: `Task ${index}`,
      assigneeIds: [bob.id],
      ...(index % 2 && { dueDate: `2026-01-${10 + index}` }),
    }),
  )
  expect(new Set(made.map(({ key }) => key)).size).toBe(20)
  const [first, second, third] = made
  const patched = await race(10, index =>
    ann.api.patch(`/tasks/${first?.id}`, { title: `Raced ${index}` }, { headers: { 'if-match': '"1"' } }),
  )
  expect(tally(patched)).toEqual({ 200: 1, '412 VERSION_CONFLICT': 9 })

  expect((await ann.api.patch(`/tasks/${second?.id}`, { parentTaskId: first?.id })).status).toBe(200)
  const loop = await ann.api.patch(`/tasks/${first?.id}`, { parentTaskId: second?.id })
  expect(problemOf(loop)).toBe('422 PARENT_LOOP body.parentTaskId')
  expect((await ann.api.post(`/tasks/${third?.id}/reorder`, { before: first?.id })).status).toBe(200)

  for (const sort of ['createdAt', '-createdAt', 'rank', '-dueDate', 'dueDate', 'priority', 'updatedAt']) {
    expect(await walk(bob.api, `${list}?sort=${sort}`, 7)).toHaveLength(20)
  }
  expect(
    titles((await ann.api.get(`${list}?q=task%201&assigneeId=${bob.id}&count=exact`)).body.data).length,
  ).toBeGreaterThan(5)
  const { columns } = (await ann.api.get(`/projects/${project.id}/board`)).body.data
  expect(columns.map((column: { tasks: unknown[] }) => column.tasks.length)).toEqual([0, 20, 0, 0, 0, 0])

  expect((await ann.api.delete(`/tasks/${first?.id}`)).status).toBe(204)
  expect((await ann.api.delete(`/workspaces/${workspace.id}/members/${bob.id}`)).status).toBe(204)
  const left = await walk(ann.api, list)
  expect(left).toHaveLength(18)
  expect(left.every(task => task.assignees.length === 0)).toBe(true)
  expect((await ann.api.get(`/projects/${project.id}`)).body.data.lastSeq).toBe(20 + 1 + 2 + 2 + 18)
  const { changes } = (await ann.api.get(`/projects/${project.id}/changes?since=24`)).body.data
  expect([
    changes.length,
    changes.filter(({ deletedAt }: { deletedAt: unknown }) => deletedAt).length,
  ]).toEqual([19, 1])
})
