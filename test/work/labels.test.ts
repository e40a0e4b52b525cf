import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Label } from '../../src/modules/labels/labels.contract.js'
import { register, registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { connectChat } from '../support/chat.js'
import { heard, newProject, newTask, problemOf, race, rows, statementsOf, tally, walk } from './support.js'

let app: TestApp
let ann: TestUser
let bob: TestUser
let gus: TestUser
let workspaceId: string

beforeAll(async () => {
  app = await startApp()
  ;[ann, bob, gus] = await registerAll(app.origin, 'Ann', 'Bob', 'Gus')
  workspaceId = (await workspaceOf(ann, bob, [gus, 'guest'])).id
})
afterAll(() => app.stop())

const newLabel = (fields: object = {}, place = workspaceId): Promise<Label> =>
  ann.api.data('POST', `/workspaces/${place}/labels`, { name: randomUUID(), color: '#d73a4a', ...fields })
const names = (labelled: { labels: { name: string }[] }) => labelled.labels.map(({ name }) => name)
const taskOf = (id: string) => ann.api.data('GET', `/tasks/${id}`)

/** A project with tasks that carry a label. */
async function labelled(count: number) {
  const label = await newLabel()
  const { id: projectId } = await newProject(ann, workspaceId)
  const tasks = await race(count, () => newTask(ann.api, projectId, { labelIds: [label.id] }))
  return { label, projectId, tasks }
}

describe('the labels of a workspace', () => {
  it('are made by members, with a trimmed name and a colour in lower case, and listed as they came', async () => {
    const { id: place } = await workspaceOf(ann, bob)
    const { status, headers, body } = await bob.api.post(`/workspaces/${place}/labels`, {
      name: ' Bug ',
      color: '#D73A4A',
    })
    expect([status, headers.get('location')]).toEqual([201, `/api/v1/workspaces/${place}/labels`])
    expect(body.data).toMatchObject({ workspaceId: place, name: 'Bug', color: '#d73a4a' })
    const others = [await newLabel({ name: 'A' }, place), await newLabel({ name: 'B' }, place)]
    expect(await walk(ann.api, `/workspaces/${place}/labels`, 1)).toEqual([body.data, ...others])
    expect(
      await rows(
        app,
        `select type, actor_id, after from activities where workspace_id = $1 and type like 'label%'`,
        [place],
      ),
    ).toMatchObject([
      {
        type: 'label.created',
        actor_id: bob.id,
        after: { labelId: body.data.id, name: 'Bug', color: '#d73a4a' },
      },
      { actor_id: ann.id },
      { actor_id: ann.id },
    ])
  })

  it('have names that are unique in their workspace, whatever the case, also in a race', async () => {
    const { id: place } = await workspaceOf(ann)
    const add = (name: string) => ann.api.post(`/workspaces/${place}/labels`, { name, color: '#000000' })
    const answers = await race(50, index => add(index % 2 ? 'Urgent' : 'URGENT'))
    expect(tally(answers)).toEqual({ 201: 1, '409 LABEL_NAME_TAKEN': 49 })
    const other = await newLabel({ name: 'Other' }, place)
    expect(problemOf(await ann.api.patch(`/labels/${other.id}`, { name: 'uRgent' }))).toBe(
      '409 LABEL_NAME_TAKEN',
    )
    expect((await ann.api.patch(`/labels/${other.id}`, { name: 'OTHER' })).body.data.name).toBe('OTHER')
    await newLabel({ name: 'Urgent' })
  })

  it('are refused what is no name and no colour', async () => {
    const add = (body: object) => ann.api.post(`/workspaces/${workspaceId}/labels`, body)
    const wrong: [object, string][] = [
      [{ name: '', color: '#000000' }, 'body.name'],
      [{ name: 'x'.repeat(51), color: '#000000' }, 'body.name'],
      [{ name: 'x', color: 'red' }, 'body.color'],
      [{ name: 'x', color: '#00000g' }, 'body.color'],
      [{ name: 'x', color: '#000000\n' }, 'body.color'],
      [{ name: 'x', color: '#000000', size: 3 }, 'body.size'],
    ]
    for (const [body, path] of wrong) expect(problemOf(await add(body))).toBe(`422 VALIDATION_ERROR ${path}`)
    const { id } = await newLabel()
    expect(problemOf(await ann.api.patch(`/labels/${id}`, {}))).toBe('422 VALIDATION_ERROR body')
  })

  it('are seen by guests, who cannot change them, and by nobody from outside', async () => {
    const { id } = await newLabel()
    const list = await gus.api.get(`/workspaces/${workspaceId}/labels?limit=100`)
    expect(list.body.data.map((label: Label) => label.id)).toContain(id)
    expect(problemOf(await gus.api.patch(`/labels/${id}`, { name: 'Mine' }))).toBe('403 GUEST_FORBIDDEN')
    expect(problemOf(await gus.api.delete(`/labels/${id}`))).toBe('403 GUEST_FORBIDDEN')
    const out = await register(app.origin, 'Out')
    expect(problemOf(await out.api.patch(`/labels/${id}`, { name: 'Mine' }))).toBe('404 LABEL_NOT_FOUND')
    expect(problemOf(await ann.api.delete(`/labels/${randomUUID()}`))).toBe('404 LABEL_NOT_FOUND')
  })

  it('cost the same statements to list, however many there are', async () => {
    const { id: place } = await workspaceOf(ann)
    const cost = () => statementsOf(app, () => ann.api.get(`/workspaces/${place}/labels`))
    const none = await cost()
    await race(20, () => newLabel({}, place))
    expect(await cost()).toBe(none)
  })
})

describe('the labels of a task', () => {
  it('are put on and taken off, twice as well as once, each time as an edit of the task', async () => {
    const { id: projectId } = await newProject(ann, workspaceId)
    const task = await newTask(ann.api, projectId)
    const [bug, art] = [await newLabel({ name: 'a bug' }), await newLabel({ name: 'B art' })]
    const updates = heard(app, 'task.updated')
    const put = (label: Label) => ann.api.put(`/tasks/${task.id}/labels/${label.id}`)
    await put(art)
    const { body, headers } = await put(bug)
    expect(body.data).toMatchObject({
      version: 3,
      seq: 3,
      labels: [{ id: bug.id, color: '#d73a4a' }, { id: art.id }],
    })
    expect(headers.get('etag')).toBe('"3"')
    expect((await put(bug)).body.data).toEqual(body.data)
    const drop = () => ann.api.delete(`/tasks/${task.id}/labels/${bug.id}`)
    expect([(await drop()).status, (await drop()).status]).toEqual([204, 204])
    expect(await taskOf(task.id)).toMatchObject({
      version: 4,
      seq: 4,
      labels: [{ id: art.id, name: 'B art' }],
    })
    expect(updates.map(event => [event.task.seq, names(event.task)])).toEqual([
      [2, ['B art']],
      [3, ['a bug', 'B art']],
      [4, ['B art']],
    ])
    const stored = await rows(
      app,
      `select before, after from activities where task_id = $1 and type = 'task.updated' order by seq`,
      [task.id],
    )
    const both = [bug.id, art.id].toSorted()
    expect(stored).toEqual([
      { before: { labelIds: [] }, after: { labelIds: [art.id] } },
      { before: { labelIds: [art.id] }, after: { labelIds: both } },
      { before: { labelIds: both }, after: { labelIds: [art.id] } },
    ])
    const stale = { headers: { 'If-Match': '"1"' } }
    expect((await ann.api.put(`/tasks/${task.id}/labels/${bug.id}`, undefined, stale)).status).toBe(412)
    expect((await ann.api.delete(`/tasks/${task.id}/labels/${art.id}`, stale)).status).toBe(412)
  })

  it('are given with a new task, replaced by a PATCH, and found by the filter', async () => {
    const { id: projectId } = await newProject(ann, workspaceId)
    const [one, two] = [await newLabel(), await newLabel()]
    const task = await newTask(ann.api, projectId, { labelIds: [one.id, one.id] })
    expect(names(task)).toEqual([one.name])
    const patched = await ann.api.patch(`/tasks/${task.id}`, { title: 'Named', labelIds: [two.id] })
    expect(patched.body.data).toMatchObject({ title: 'Named', version: 2, labels: [{ id: two.id }] })
    const found = async ({ id }: Label) =>
      (await ann.api.data('GET', `/projects/${projectId}/tasks?labelId=${id}`)).length
    expect([await found(one), await found(two)]).toEqual([0, 1])
    const many = { labelIds: Array.from({ length: 51 }, () => randomUUID()) }
    expect(problemOf(await ann.api.patch(`/tasks/${task.id}`, many))).toBe(
      '422 VALIDATION_ERROR body.labelIds',
    )
  })

  it('are of its own workspace, also where the user belongs to both', async () => {
    const elsewhere = await workspaceOf(ann)
    const [foreign, unknown] = [(await newLabel({}, elsewhere.id)).id, randomUUID()]
    const { id: projectId } = await newProject(ann, workspaceId)
    const task = await newTask(ann.api, projectId)
    for (const id of [foreign, unknown]) {
      expect(problemOf(await ann.api.put(`/tasks/${task.id}/labels/${id}`))).toBe(
        '404 LABEL_NOT_FOUND params.labelId',
      )
      expect(problemOf(await ann.api.delete(`/tasks/${task.id}/labels/${id}`))).toBe('404 LABEL_NOT_FOUND')
      const body = { title: 'x', labelIds: [id] }
      const problem = '404 LABEL_NOT_FOUND body.labelIds'
      expect(problemOf(await ann.api.patch(`/tasks/${task.id}`, body))).toBe(problem)
      expect(problemOf(await ann.api.post(`/projects/${projectId}/tasks`, body))).toBe(problem)
    }
    expect(await taskOf(task.id)).toEqual(task)
    expect((await ann.api.data('GET', `/projects/${projectId}`)).lastSeq).toBe(1)
  })

  it('are up to guests who see the task, and to no others', async () => {
    const { label, projectId, tasks } = await labelled(1)
    const path = `/tasks/${tasks[0]?.id}/labels/${label.id}`
    expect(problemOf(await gus.api.put(path))).toBe('404 TASK_NOT_FOUND')
    expect(problemOf(await gus.api.delete(path))).toBe('404 TASK_NOT_FOUND')
    await ann.api.data('PUT', `/projects/${projectId}/members/${gus.id}`)
    expect([(await gus.api.delete(path)).status, (await gus.api.put(path)).status]).toEqual([204, 200])
  })

  it('lose nothing when fifty are put on at once, and end with the label when it is deleted meanwhile', async () => {
    const { id: projectId } = await newProject(ann, workspaceId)
    const task = await newTask(ann.api, projectId)
    const all = await race(50, () => newLabel())
    const put = (label: Label) => ann.api.put(`/tasks/${task.id}/labels/${label.id}`)
    expect(tally(await Promise.all(all.map(put)))).toEqual({ 200: 50 })
    const full = await taskOf(task.id)
    expect([names(full).length, full.version]).toEqual([50, 51])
    const one = await newLabel()
    expect(problemOf(await put(one))).toBe('422 VALIDATION_ERROR params.labelId')

    const other = await newTask(ann.api, projectId)
    const racers = await race(20, index =>
      index === 10 ? ann.api.delete(`/labels/${one.id}`) : ann.api.put(`/tasks/${other.id}/labels/${one.id}`),
    )
    expect(Object.keys(tally(racers)).filter(name => !['200', '204'].includes(name))).toEqual(
      racers.some(({ status }) => status === 404) ? [expect.stringContaining('404 LABEL_NOT_FOUND')] : [],
    )
    expect(names(await taskOf(other.id))).toEqual([])
  })
})

describe('a label that changes', () => {
  it('changes each task that carries it, in its project’s sequence, but no version', async () => {
    const { label, projectId, tasks } = await labelled(3)
    const { id: otherId } = await newProject(ann, workspaceId)
    const far = await newTask(ann.api, otherId, { labelIds: [label.id] })
    const plain = await newTask(ann.api, projectId)
    const gone = await newTask(ann.api, projectId, { labelIds: [label.id] })
    await ann.api.data('DELETE', `/tasks/${gone.id}`)
    const [updates, advances] = [heard(app, 'task.updated'), heard(app, 'project.advanced')]
    const name = `renamed ${label.name}`.slice(0, 50)
    const { body } = await bob.api.patch(`/labels/${label.id}`, { name, color: '#00FF00' })
    expect(body.data).toMatchObject({ id: label.id, name, color: '#00ff00' })

    const changed = (await ann.api.data('GET', `/projects/${projectId}/changes?since=6`)).changes
    expect(changed.map((task: { seq: number }) => task.seq)).toEqual([7, 8, 9])
    expect(new Set(changed.map((task: { id: string }) => task.id))).toEqual(
      new Set(tasks.map(({ id }) => id)),
    )
    for (const task of changed) {
      expect(task).toMatchObject({ version: 1, labels: [{ id: label.id, name, color: '#00ff00' }] })
    }
    expect(await taskOf(far.id)).toMatchObject({ seq: 2, version: 1, labels: [{ name }] })
    expect(await taskOf(plain.id)).toEqual(plain)
    expect(updates).toEqual([])
    const byProject = [
      { workspaceId, projectId, lastSeq: 9 },
      { workspaceId, projectId: otherId, lastSeq: 2 },
    ]
    expect(advances).toHaveLength(2)
    expect(advances).toEqual(expect.arrayContaining(byProject))
    const [activity] = await rows(
      app,
      `select actor_id, project_id, before, after from activities where type = 'label.updated' and after ->> 'labelId' = $1`,
      [label.id],
    )
    expect(activity).toEqual({
      actor_id: bob.id,
      project_id: null,
      before: { labelId: label.id, name: label.name, color: '#d73a4a' },
      after: { labelId: label.id, name, color: '#00ff00' },
    })
  })

  it('to what it is already changes nothing', async () => {
    const { label, tasks } = await labelled(1)
    const advances = heard(app, 'project.advanced')
    const same = await ann.api.patch(`/labels/${label.id}`, { name: label.name, color: '#D73A4A' })
    expect(same.body.data).toEqual(label)
    expect(await taskOf(tasks[0]?.id ?? '')).toEqual(tasks[0])
    expect(advances).toEqual([])
  })

  it('shows on live boards as an update of its tasks', async () => {
    const { label, projectId, tasks } = await labelled(2)
    const chat = await connectChat(app.origin, bob.accessToken)
    await chat.data('project:join', { projectId })
    await ann.api.data('PATCH', `/labels/${label.id}`, { name: 'Live' })
    await chat.next('task:updated', ({ seq }) => seq === 4)
    expect(chat.all('task:updated').map(task => [task.seq, ...names(task)])).toEqual([
      [3, 'Live'],
      [4, 'Live'],
    ])
    await ann.api.data('DELETE', `/labels/${label.id}`)
    await chat.next('task:updated', ({ seq }) => seq === 6)
    expect(chat.all('task:created')).toEqual([])
    expect(new Set(chat.all('task:updated').map(({ id }) => id))).toEqual(new Set(tasks.map(({ id }) => id)))
    chat.close()
  })

  it('by being deleted comes off all its tasks', async () => {
    const { label, projectId, tasks } = await labelled(2)
    const advances = heard(app, 'project.advanced')
    expect((await bob.api.delete(`/labels/${label.id}`)).status).toBe(204)
    expect(problemOf(await bob.api.delete(`/labels/${label.id}`))).toBe('404 LABEL_NOT_FOUND')
    for (const { id } of tasks) expect(await taskOf(id)).toMatchObject({ version: 1, labels: [] })
    expect(advances).toEqual([{ workspaceId, projectId, lastSeq: 4 }])
    expect(await rows(app, 'select 1 from task_labels where label_id = $1', [label.id])).toEqual([])
    const [activity] = await rows(
      app,
      `select before, after from activities where type = 'label.deleted' and before ->> 'labelId' = $1`,
      [label.id],
    )
    expect(activity).toEqual({
      before: { labelId: label.id, name: label.name, color: label.color },
      after: null,
    })
  })

  it('takes a walk nothing of what it was to meet', async () => {
    const { label, projectId, tasks } = await labelled(12)
    const rename = () => ann.api.patch(`/labels/${label.id}`, { name: randomUUID() })
    const seen = await walk(ann.api, `/projects/${projectId}/tasks?sort=rank`, 5, rename)
    const inOrder = tasks.toSorted((one, other) => (one.rank < other.rank ? -1 : 1))
    expect(seen.map(({ id }) => id)).toEqual(inOrder.map(({ id }) => id))
  })

  it('costs the same statements for many tasks as for few; past a hundred, boards are loaded afresh', async () => {
    const { label, projectId } = await labelled(2)
    const rename = () => statementsOf(app, () => ann.api.patch(`/labels/${label.id}`, { name: randomUUID() }))
    const few = await rename()
    await rows(
      app,
      `with stepped as (update projects set last_seq = last_seq + 99 where id = $1 returning last_seq - 99 as base),
      made as (insert into tasks (id, workspace_id, project_id, number, title, status, reporter_id, rank, seq)
        select gen_random_uuid(), $2, $1, 100 + n, 'Task', 'backlog', $3, 'b' || lpad(n::text, 3, '0') || 'V', base + n
        from stepped, generate_series(1, 99) n returning id)
      insert into task_labels select $2, id, $4 from made`,
      [projectId, workspaceId, ann.id, label.id],
    )
    const since = async () => (await ann.api.data('GET', `/projects/${projectId}`)).lastSeq
    const before = await since()
    expect(await rename()).toBe(few)
    expect(await since()).toBe(before + 5 * 101)
    const late = await ann.api.data('GET', `/projects/${projectId}/changes?since=${(await since()) - 101}`)
    expect(late).toEqual({ lastSeq: await since(), reset: true })
    const seqs = await rows(app, 'select count(distinct seq)::int as n from tasks where project_id = $1', [
      projectId,
    ])
    expect(seqs).toEqual([{ n: 101 }])
  })
})
