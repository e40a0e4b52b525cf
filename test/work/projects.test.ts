import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { heard, newProject, newTask, problemOf, race, tally } from './support.js'

let app: TestApp
let ann: TestUser
let bob: TestUser
let cleo: TestUser
let gus: TestUser

beforeAll(async () => {
  app = await startApp()
  ;[ann, bob, cleo, gus] = await registerAll(app.origin, 'Ann', 'Bob', 'Cleo', 'Gus')
})
afterAll(() => app.stop())

const create = (user: TestUser, workspaceId: string, fields: object) =>
  user.api.post(`/workspaces/${workspaceId}/projects`, { name: 'Engine', ...fields })

describe('a project', () => {
  it('is made by members, with the usual columns', async () => {
    const { id } = await workspaceOf(ann, bob, [gus, 'guest'])
    const made = await create(bob, id, { key: 'ENG', description: 'Steam' })
    expect(made.status).toBe(201)
    expect(made.headers.get('location')).toBe(`/api/v1/projects/${made.body.data.id}`)
    expect(made.body.data).toMatchObject({
      workspaceId: id,
      name: 'Engine',
      key: 'ENG',
      description: 'Steam',
      createdBy: bob.id,
      lastSeq: 0,
    })
    const columns = made.body.data.statuses.map(
      ({ key, name, group, position }: Record<string, string>) => `${position} ${key} "${name}" ${group}`,
    )
    expect(columns).toEqual([
      '0 backlog "Backlog" backlog',
      '1 todo "To do" unstarted',
      '2 in_progress "In progress" started',
      '3 in_review "In review" started',
      '4 done "Done" completed',
      '5 cancelled "Cancelled" cancelled',
    ])
    expect((await ann.api.get(`/projects/${made.body.data.id}`)).body.data).toEqual(made.body.data)
    expect(problemOf(await create(gus, id, { key: 'GUS' }))).toBe('403 GUEST_FORBIDDEN')
    expect(problemOf(await create(cleo, id, { key: 'OUT' }))).toBe('404 WORKSPACE_NOT_FOUND')
  })

  it('has a key that no other project of the workspace has, also in a race', async () => {
    const { id } = await workspaceOf(ann)
    const other = await workspaceOf(ann)
    expect(tally(await race(20, () => create(ann, id, { key: 'ONE' })))).toEqual({
      201: 1,
      '409 PROJECT_KEY_TAKEN': 19,
    })
    expect((await create(ann, other.id, { key: 'ONE' })).status).toBe(201)
    for (const key of ['eng', 'E', '1AB', 'A-B', 'ABCDEFGHIJK', '']) {
      expect(problemOf(await create(ann, id, { key }))).toBe('422 VALIDATION_ERROR body.key')
    }
  })

  it('is changed and deleted by its creator and by admins', async () => {
    const { id } = await workspaceOf(ann, bob, cleo)
    const project = await newProject(bob, id)
    const task = await newTask(bob.api, project.id)
    const path = `/projects/${project.id}`
    const updated = heard(app, 'project.updated')
    const deleted = heard(app, 'project.deleted')
    expect(problemOf(await cleo.api.patch(path, { name: 'No' }))).toBe('403 FORBIDDEN')
    expect(problemOf(await cleo.api.delete(path))).toBe('403 FORBIDDEN')
    expect((await bob.api.patch(path, { name: 'Boiler' })).body.data).toMatchObject({ name: 'Boiler' })
    expect((await ann.api.patch(path, { description: 'Hot' })).body.data).toMatchObject({
      name: 'Boiler',
      description: 'Hot',
    })
    expect((await ann.api.patch(path, { description: 'Hot' })).status).toBe(200)
    expect(updated).toHaveLength(2)
    expect(problemOf(await bob.api.patch(path, { key: 'NEW' }))).toContain('422 VALIDATION_ERROR body.key')

    expect((await bob.api.delete(path)).status).toBe(204)
    expect(deleted).toEqual([{ workspaceId: id, projectId: project.id }])
    expect(problemOf(await ann.api.get(path))).toBe('404 PROJECT_NOT_FOUND')
    expect(problemOf(await ann.api.get(`/tasks/${task.id}`))).toBe('404 TASK_NOT_FOUND')
    expect(problemOf(await ann.api.post(`${path}/tasks`, { title: 'Late' }))).toBe('404 PROJECT_NOT_FOUND')
    expect((await create(ann, id, { key: project.key })).status).toBe(201)
  })

  it('leaves its channels to the workspace when it is deleted', async () => {
    const { id } = await workspaceOf(ann, bob)
    const [project, other] = [await newProject(ann, id), await newProject(ann, id)]
    const channelOf = (projectId: string, name: string) =>
      ann.api.post(`/workspaces/${id}/channels`, { name, type: 'public', projectId })
    const [linked, kept] = [await channelOf(project.id, 'linked'), await channelOf(other.id, 'kept')]
    const told = heard(app, 'channel.updated')
    await ann.api.data('DELETE', `/projects/${project.id}`)
    expect(told).toEqual([{ workspaceId: id, channelId: linked.body.data.id }])
    const projectIdOf = async ({ body }: typeof linked) =>
      (await bob.api.get(`/channels/${body.data.id}`)).body.data.projectId
    expect([await projectIdOf(linked), await projectIdOf(kept)]).toEqual([null, other.id])
    expect(problemOf(await channelOf(project.id, 'late'))).toBe('404 PROJECT_NOT_FOUND')
  })

  it('does not exist for outsiders, nor for guests who were not added to it', async () => {
    const { id } = await workspaceOf(ann, bob, [gus, 'guest'])
    const [open, hidden] = [await newProject(ann, id), await newProject(ann, id)]
    const task = await newTask(ann.api, hidden.id)
    expect((await ann.api.put(`/projects/${open.id}/members/${gus.id}`)).status).toBe(200)

    const seen = (await gus.api.get(`/workspaces/${id}/projects`)).body.data
    expect(seen.map((project: { id: string }) => project.id)).toEqual([open.id])
    expect((await bob.api.get(`/workspaces/${id}/projects`)).body.data).toHaveLength(2)
    for (const user of [gus, cleo]) {
      const tries = [
        user.api.get(`/projects/${hidden.id}`),
        user.api.patch(`/projects/${hidden.id}`, { name: 'x' }),
        user.api.delete(`/projects/${hidden.id}`),
        user.api.get(`/projects/${hidden.id}/board`),
        user.api.get(`/projects/${hidden.id}/members`),
        user.api.put(`/projects/${hidden.id}/members/${user.id}`),
        user.api.get(`/projects/${hidden.id}/tasks`),
        user.api.post(`/projects/${hidden.id}/tasks`, { title: 'x' }),
      ]
      for (const answer of await Promise.all(tries)) expect(problemOf(answer)).toBe('404 PROJECT_NOT_FOUND')
      const onTask = [
        user.api.get(`/tasks/${task.id}`),
        user.api.patch(`/tasks/${task.id}`, { title: 'x' }),
        user.api.patch(`/tasks/${task.id}/status`, { status: 'done' }),
        user.api.patch(`/tasks/${task.id}/assignees`, { assigneeIds: [] }),
        user.api.put(`/tasks/${task.id}/assignees/${user.id}`),
        user.api.delete(`/tasks/${task.id}/assignees/${user.id}`),
        user.api.post(`/tasks/${task.id}/reorder`, { status: 'done' }),
        user.api.get(`/tasks/${task.id}/subtasks`),
        user.api.delete(`/tasks/${task.id}`),
      ]
      for (const answer of await Promise.all(onTask)) expect(problemOf(answer)).toBe('404 TASK_NOT_FOUND')
    }
  })

  it('is paged in the order of making', async () => {
    const { id } = await workspaceOf(ann)
    const made: string[] = []
    for (let index = 0; index < 5; index++) made.push((await newProject(ann, id)).id)
    const first = (await ann.api.get(`/workspaces/${id}/projects?limit=3`)).body
    const second = (await ann.api.get(`/workspaces/${id}/projects?limit=3&cursor=${first.meta.nextCursor}`))
      .body
    const ids = [...first.data, ...second.data].map(project => project.id)
    expect(ids).toEqual(made)
    expect(second.meta.nextCursor).toBeNull()
  })
})

describe('the members of a project', () => {
  it('are added and removed by those who manage it, and it is told', async () => {
    const { id } = await workspaceOf(ann, bob, [gus, 'guest'])
    const project = await newProject(ann, id)
    const path = `/projects/${project.id}/members`
    const added = heard(app, 'project.member_added')
    const removed = heard(app, 'project.member_removed')
    expect(problemOf(await bob.api.put(`${path}/${gus.id}`))).toBe('403 FORBIDDEN')
    expect(problemOf(await ann.api.put(`${path}/${cleo.id}`))).toBe('422 NOT_WORKSPACE_MEMBER params.userId')
    const member = await ann.api.put(`${path}/${gus.id}`)
    expect(member.body.data).toMatchObject({ userId: gus.id, role: 'guest', user: { id: gus.id } })
    expect((await ann.api.put(`${path}/${gus.id}`)).body.data).toEqual(member.body.data)
    expect((await gus.api.get(path)).body.data).toEqual([member.body.data])

    expect((await gus.api.get(`/projects/${project.id}`)).status).toBe(200)
    expect((await ann.api.delete(`${path}/${gus.id}`)).status).toBe(204)
    expect(problemOf(await ann.api.delete(`${path}/${gus.id}`))).toBe('404 MEMBER_NOT_FOUND')
    expect((await gus.api.get(`/projects/${project.id}`)).status).toBe(404)
    const told = [{ workspaceId: id, projectId: project.id, userId: gus.id }]
    expect([added, removed]).toEqual([told, told])
  })
})
