import { afterAll, beforeAll, expect, it } from 'vitest'
import { register, registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { heard, newProject, newTask, problemOf, race, rows, statementsOf, titles } from './support.js'

let app: TestApp
let ann: TestUser
let bob: TestUser
let workspace: { id: string }

beforeAll(async () => {
  app = await startApp()
  ;[ann, bob] = await registerAll(app.origin, 'Ann', 'Bob')
  workspace = await workspaceOf(ann, bob)
})
afterAll(() => app.stop())

const changes = (projectId: string, since: number | string) =>
  ann.api.get(`/projects/${projectId}/changes?since=${since}`)

it('what changed since comes in the order of its latest changes, each task once, as it is now', async () => {
  const { id: projectId } = await newProject(ann, workspace.id)
  const [one, two, three] = [
    await newTask(ann.api, projectId, { title: 'one' }),
    await newTask(ann.api, projectId, { title: 'two', assigneeIds: [bob.id] }),
    await newTask(ann.api, projectId, { title: 'three', parentTaskId: null }),
  ]
  const below = await newTask(ann.api, projectId, { title: 'below', parentTaskId: three.id })
  await ann.api.data('PATCH', `/tasks/${one.id}`, { title: 'ONE' })
  await ann.api.data('PATCH', `/tasks/${one.id}/status`, { status: 'done' })
  await ann.api.data('DELETE', `/tasks/${three.id}`)

  const { body } = await changes(projectId, 0)
  expect(body.data.lastSeq).toBe(8)
  expect(titles(body.data.changes)).toEqual(['two', 'ONE', '', ''])
  const [, , ...gone] = body.data.changes
  expect(gone).toMatchObject([
    { id: three.id, key: three.key, seq: 7, deletedAt: expect.any(String) },
    { id: below.id, key: below.key, seq: 8, deletedAt: expect.any(String) },
  ])
  const { deletedAt, ...first } = body.data.changes[0]
  expect([deletedAt, first]).toEqual([null, (await ann.api.get(`/tasks/${two.id}`)).body.data])
  expect(titles((await changes(projectId, 5)).body.data.changes)).toEqual(['ONE', '', ''])
  expect((await changes(projectId, 8)).body.data).toEqual({ lastSeq: 8, changes: [] })
  expect((await changes(projectId, 9)).body.data).toEqual({ lastSeq: 8, reset: true })
})

it('more than 500 changes, or more text than an answer should hold, are to be loaded afresh', async () => {
  const { id: projectId } = await newProject(ann, workspace.id)
  const add = (count: number, description: string) =>
    rows(
      app,
      `with stepped as (
        update projects set last_seq = last_seq + $2, last_task_number = last_task_number + $2
        where id = $1 returning last_seq - $2 as base)
      insert into tasks (id, workspace_id, project_id, number, title, description, status, reporter_id, rank, seq)
      select gen_random_uuid(), $3, $1, base + n, 'Task', $4, 'backlog', $5, 'a' || lpad((base + n)::text, 6, '0'), base + n
      from stepped, generate_series(1, $2::int) n`,
      [projectId, count, workspace.id, description, ann.id],
    )
  await add(501, '')
  expect((await changes(projectId, 0)).body.data).toEqual({ lastSeq: 501, reset: true })
  expect((await changes(projectId, 1)).body.data.changes).toHaveLength(500)
  await add(41, 'x'.repeat(50_000))
  expect((await changes(projectId, 501)).body.data).toEqual({ lastSeq: 542, reset: true })
  expect((await changes(projectId, 502)).body.data.changes).toHaveLength(40)
})

it('costs the same few statements, however much changed', async () => {
  const { id: projectId } = await newProject(ann, workspace.id)
  const cost = (since: number) => statementsOf(app, () => changes(projectId, since))
  await newTask(ann.api, projectId)
  const few = await cost(0)
  await race(60, () => newTask(ann.api, projectId, { assigneeIds: [ann.id, bob.id] }))
  expect([await cost(40), await cost(0)]).toEqual([few, few + 1])
  expect(few).toBeLessThanOrEqual(3)
})

it.each([[''], ['-1'], ['x'], ['1.5'], ['9007199254740993'], ['0&since=0'], ['0&limit=5']])(
  'since=%s is refused',
  async since => {
    const { id: projectId } = await newProject(ann, workspace.id)
    expect(problemOf(await changes(projectId, since))).toMatch(/^422 VALIDATION_ERROR query/)
  },
)

it('every number of a project’s sequence is told of, by whatever the project changed', async () => {
  const carl = await register(app.origin, 'Carl')
  const { id: placeId } = await workspaceOf(ann, [carl, 'member'], [bob, 'guest'])
  const { id: projectId } = await newProject(ann, placeId)
  await ann.api.data('PUT', `/projects/${projectId}/members/${bob.id}`)
  const told = (['task.created', 'task.updated', 'task.moved'] as const).map(name => heard(app, name))
  const deleted = heard(app, 'task.deleted')

  const tasks = await race(6, () => newTask(ann.api, projectId, { assigneeIds: [bob.id, carl.id] }))
  const [first, second, third, fourth] = tasks.toSorted((a, b) => a.seq - b.seq)
  await newTask(ann.api, projectId, { parentTaskId: fourth?.id })
  // No room between the first two: the column is ranked afresh.
  await rows(app, 'update tasks set rank = $2 where id = $1', [first?.id, `Z0${'V'.repeat(300)}`])
  await rows(app, 'update tasks set rank = $2 where id = $1', [second?.id, `Z0${'V'.repeat(300)}1`])
  await ann.api.data('POST', `/tasks/${third?.id}/reorder`, { after: first?.id })
  await ann.api.data('PATCH', `/tasks/${second?.id}`, {
    title: 'Second',
    status: 'done',
    assigneeIds: [carl.id],
  })
  await ann.api.data('PATCH', `/tasks/${second?.id}`, { title: 'Second' })
  await ann.api.data('DELETE', `/tasks/${fourth?.id}`)
  await ann.api.data('DELETE', `/projects/${projectId}/members/${bob.id}`)
  await ann.api.data('PATCH', `/workspaces/${placeId}/members/${carl.id}`, { role: 'guest' })
  await ann.api.data('DELETE', `/workspaces/${placeId}/members/${carl.id}`)

  const { lastSeq } = await ann.api.data('GET', `/projects/${projectId}`)
  const inProject = told.flat().filter(({ task }) => task.projectId === projectId)
  const seqs = [...inProject.map(({ task }) => task.seq), ...deleted.map(({ seq }) => seq)]
  expect(lastSeq).toBeGreaterThan(20)
  expect(new Set(seqs).size).toBe(seqs.length)
  // What is not told shows as a hole before what is: here the cards that only made room, before the one that moved.
  const all = Array.from({ length: lastSeq }, (_, n) => n + 1)
  expect(all.filter(seq => !seqs.includes(seq))).toEqual([8, 9, 10, 11, 12, 13, 14])
  expect(Math.max(...seqs)).toBe(lastSeq)
  expect((await changes(projectId, 0)).body.data.changes.at(-1).seq).toBe(lastSeq)
})
