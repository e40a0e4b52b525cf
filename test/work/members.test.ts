import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Access } from '../../src/access/access.js'
import { registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { heard, newProject, newTask, problemOf, race, rows, tally } from './support.js'

let app: TestApp
let ann: TestUser
let bob: TestUser
let cleo: TestUser
let dan: TestUser

beforeAll(async () => {
  app = await startApp()
  ;[ann, bob, cleo, dan] = await registerAll(app.origin, 'Ann', 'Bob', 'Cleo', 'Dan')
})
afterAll(() => app.stop())

const setRole = (actor: TestUser, workspaceId: string, user: TestUser, role: string) =>
  actor.api.patch(`/workspaces/${workspaceId}/members/${user.id}`, { role })
const remove = (actor: TestUser, workspaceId: string, user: TestUser) =>
  actor.api.delete(`/workspaces/${workspaceId}/members/${user.id}`)

describe('the members of a workspace', () => {
  it('are listed as they joined, with role and person, and nothing private of them', async () => {
    const { id } = await workspaceOf(ann, [bob, 'admin'], [cleo, 'guest'])
    const { body } = await cleo.api.get(`/workspaces/${id}/members?limit=2`)
    expect(body.data).toEqual([
      { userId: ann.id, role: 'owner', joinedAt: expect.any(String), user: personOf(ann) },
      { userId: bob.id, role: 'admin', joinedAt: expect.any(String), user: personOf(bob) },
    ])
    const next = await cleo.api.get(`/workspaces/${id}/members?cursor=${body.meta.nextCursor}`)
    expect(next.body.data.map((member: { userId: string }) => member.userId)).toEqual([cleo.id])
    expect(next.body.meta.nextCursor).toBeNull()
  })

  it('cannot be paged with the cursor of another list', async () => {
    const { id } = await workspaceOf(ann)
    const wrong = Buffer.from(JSON.stringify(['members', '0000-01-01T00:00:00.000Z', id])).toString(
      'base64url',
    )
    for (const cursor of ['garbage', wrong, Buffer.from('["workspaces"]').toString('base64url')]) {
      expect(problemOf(await ann.api.get(`/workspaces/${id}/members?cursor=${cursor}`))).toBe(
        '422 INVALID_CURSOR',
      )
    }
  })

  it('get roles from admins, up to the admins’ own', async () => {
    const { id } = await workspaceOf(ann, [bob, 'admin'], cleo)
    const changes = heard(app, 'member.role_changed')
    expect((await setRole(bob, id, cleo, 'admin')).body.data).toMatchObject({
      userId: cleo.id,
      role: 'admin',
    })
    expect((await setRole(bob, id, cleo, 'admin')).status).toBe(200)
    expect(changes).toEqual([{ workspaceId: id, userId: cleo.id }])
    expect(problemOf(await setRole(bob, id, cleo, 'owner'))).toBe('403 ROLE_TOO_HIGH')
    expect(problemOf(await setRole(bob, id, ann, 'member'))).toBe('403 ROLE_TOO_HIGH')
    expect(problemOf(await setRole(bob, id, dan, 'member'))).toBe('404 MEMBER_NOT_FOUND')
    expect((await setRole(cleo, id, bob, 'member')).status).toBe(200)
    expect(problemOf(await setRole(bob, id, cleo, 'member'))).toBe('403 FORBIDDEN')
    expect(problemOf(await setRole(ann, id, cleo, 'king'))).toBe('422 VALIDATION_ERROR body.role')
  })

  it('keep an owner: the last one can neither step down nor leave nor be removed', async () => {
    const { id } = await workspaceOf(ann, bob)
    expect(problemOf(await setRole(ann, id, ann, 'member'))).toBe('409 LAST_OWNER')
    expect(problemOf(await ann.api.post(`/workspaces/${id}/leave`))).toBe('409 LAST_OWNER')
    expect(problemOf(await remove(ann, id, ann))).toBe('409 LAST_OWNER')
    await setRole(ann, id, bob, 'owner')
    expect((await ann.api.post(`/workspaces/${id}/leave`)).status).toBe(204)
    expect((await ann.api.get(`/workspaces/${id}`)).status).toBe(404)
    expect(problemOf(await bob.api.post(`/workspaces/${id}/leave`))).toBe('409 LAST_OWNER')
  })

  it('keep an owner when all owners leave, step down and remove each other at once', async () => {
    for (let round = 0; round < 5; round++) {
      const { id } = await workspaceOf(ann, [bob, 'owner'], [cleo, 'owner'], [dan, 'owner'])
      await Promise.all([
        ann.api.post(`/workspaces/${id}/leave`),
        setRole(bob, id, bob, 'member'),
        remove(cleo, id, dan),
        remove(dan, id, cleo),
        setRole(dan, id, ann, 'guest'),
        bob.api.post(`/workspaces/${id}/leave`),
        cleo.api.post(`/workspaces/${id}/leave`),
        dan.api.post(`/workspaces/${id}/leave`),
      ])
      const owners = await rows(
        app,
        `select user_id from workspace_members where workspace_id = $1 and role = 'owner'`,
        [id],
      )
      expect(owners.length).toBeGreaterThan(0)
    }
  })

  it('are not touched by somebody who lost his role a moment ago', async () => {
    const { id } = await workspaceOf(ann, [bob, 'owner'])
    const answers = await Promise.all([setRole(ann, id, bob, 'member'), setRole(bob, id, ann, 'member')])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403])
  })

  it('lose their places with their membership, and their tasks tell it', async () => {
    const { id } = await workspaceOf(ann, bob, [cleo, 'guest'])
    const project = await newProject(ann, id)
    await ann.api.put(`/projects/${project.id}/members/${cleo.id}`)
    const both = await newTask(ann.api, project.id, { assigneeIds: [bob.id, cleo.id] })
    const other = await newTask(ann.api, project.id, { assigneeIds: [bob.id] })
    const untouched = await newTask(ann.api, project.id)
    const removed = heard(app, 'member.removed')
    const updated = heard(app, 'task.updated')

    expect(problemOf(await remove(cleo, id, bob))).toBe('403 GUEST_FORBIDDEN')
    expect((await remove(ann, id, bob)).status).toBe(204)
    expect((await cleo.api.post(`/workspaces/${id}/leave`)).status).toBe(204)
    expect(removed).toEqual([
      { workspaceId: id, userId: bob.id },
      { workspaceId: id, userId: cleo.id },
    ])
    expect(problemOf(await bob.api.get(`/tasks/${both.id}`))).toBe('404 TASK_NOT_FOUND')
    expect(problemOf(await remove(ann, id, bob))).toBe('404 MEMBER_NOT_FOUND')

    const left = await ann.api.get(`/projects/${project.id}/tasks`)
    expect(left.body.data).toMatchObject([
      { id: both.id, assignees: [], version: 3, seq: 6 },
      { id: other.id, assignees: [], version: 2, seq: 5 },
      { id: untouched.id, version: 1, seq: 3 },
    ])
    expect(updated.map(({ task }) => [task.id, task.seq, task.assignees.length])).toEqual([
      [both.id, 4, 1],
      [other.id, 5, 0],
      [both.id, 6, 0],
    ])
    expect((await ann.api.get(`/projects/${project.id}`)).body.data.lastSeq).toBe(6)
    expect(await rows(app, 'select * from project_members where project_id = $1', [project.id])).toEqual([])
  })

  it('who become guests, or guests who lose a project, are taken off the tasks they see no more', async () => {
    const { id } = await workspaceOf(ann, bob)
    const [seen, hidden] = [await newProject(ann, id), await newProject(ann, id)]
    await ann.api.put(`/projects/${seen.id}/members/${bob.id}`)
    const kept = await newTask(ann.api, seen.id, { assigneeIds: [bob.id, ann.id] })
    const lost = await newTask(ann.api, hidden.id, { assigneeIds: [bob.id, ann.id] })
    const updated = heard(app, 'task.updated')
    const read = async (task: { id: string }) => (await ann.api.get(`/tasks/${task.id}`)).body.data

    await ann.api.delete(`/projects/${hidden.id}/members/${ann.id}`)
    await setRole(ann, id, bob, 'admin')
    expect(await read(lost)).toEqual(lost)
    await setRole(ann, id, bob, 'guest')
    expect(await read(kept)).toEqual(kept)
    expect(await read(lost)).toMatchObject({ assignees: [{ id: ann.id }], version: 2, seq: 2 })
    await ann.api.delete(`/projects/${seen.id}/members/${bob.id}`)
    expect(await read(kept)).toMatchObject({ assignees: [{ id: ann.id }], version: 2, seq: 2 })
    expect(updated).toEqual([{ task: await read(lost) }, { task: await read(kept) }])
    for (const project of [seen, hidden]) {
      expect((await ann.api.get(`/projects/${project.id}`)).body.data.lastSeq).toBe(2)
    }
  })

  it('who see all projects keep their tasks when they are taken out of one', async () => {
    const { id } = await workspaceOf(ann, bob)
    const project = await newProject(ann, id)
    await ann.api.put(`/projects/${project.id}/members/${bob.id}`)
    const task = await newTask(ann.api, project.id, { assigneeIds: [bob.id] })
    expect((await ann.api.delete(`/projects/${project.id}/members/${bob.id}`)).status).toBe(204)
    expect((await ann.api.get(`/tasks/${task.id}`)).body.data).toEqual(task)
  })
})

describe('an invitation', () => {
  const invite = (inviter: TestUser, workspaceId: string, email: string, role = 'member') =>
    inviter.api.post(`/workspaces/${workspaceId}/invite`, { email, role })

  it('brings the owner of the address in, with the role it names', async () => {
    const { id } = await workspaceOf(ann)
    const made = await invite(ann, id, bob.email.toUpperCase(), 'admin')
    expect(made.status).toBe(201)
    const listed = await ann.api.get(String(made.headers.get('location')))
    expect(listed.body.data).toMatchObject([{ id: made.body.data.invitationId }])
    expect(made.body.data).toEqual({
      invitationId: expect.any(String),
      token: expect.any(String),
      expiresAt: expect.any(String),
    })
    const days = (Date.parse(made.body.data.expiresAt) - Date.now()) / 86_400_000
    expect(days).toBeGreaterThan(6.9)
    expect(days).toBeLessThanOrEqual(7)
    const added = heard(app, 'member.added')
    const { token } = made.body.data
    expect(problemOf(await cleo.api.post('/invitations/accept', { token }))).toBe('404 INVITATION_NOT_FOUND')
    const accepted = await bob.api.post('/invitations/accept', { token })
    expect(accepted.status).toBe(200)
    expect(accepted.body.data).toMatchObject({ id, role: 'admin' })
    expect(added).toEqual([{ workspaceId: id, userId: bob.id }])
    expect(problemOf(await invite(ann, id, bob.email))).toBe('409 ALREADY_MEMBER')
  })

  it('is accepted once, however many race for it', async () => {
    const { id } = await workspaceOf(ann)
    const { token } = (await invite(ann, id, bob.email)).body.data
    const answers = await race(50, () => bob.api.post('/invitations/accept', { token }))
    expect(tally(answers)).toEqual({ 200: 1, '409 INVITATION_USED': 49 })
  })

  it('is given by admins, for roles up to their own', async () => {
    const { id } = await workspaceOf(ann, [bob, 'admin'], cleo)
    expect(problemOf(await invite(cleo, id, dan.email))).toBe('403 FORBIDDEN')
    expect(problemOf(await invite(bob, id, dan.email, 'owner'))).toBe('403 ROLE_TOO_HIGH')
    expect((await invite(ann, id, dan.email, 'owner')).status).toBe(201)
    expect(problemOf(await invite(ann, id, 'not an address'))).toBe('422 VALIDATION_ERROR body.email')
  })

  it('ends after seven days, when revoked, and when a newer one takes its place', async () => {
    const { id } = await workspaceOf(ann, [dan, 'admin'])
    const accept = async (user: TestUser, token: string) =>
      problemOf(await user.api.post('/invitations/accept', { token }))
    expect(await accept(bob, 'made up')).toBe('404 INVITATION_NOT_FOUND')

    const old = (await invite(ann, id, bob.email)).body.data
    await rows(app, `update invitations set expires_at = now() - interval '1 second' where id = $1`, [
      old.invitationId,
    ])
    expect(await accept(bob, old.token)).toBe('410 INVITATION_EXPIRED')

    const renewed = (await invite(ann, id, bob.email, 'owner')).body.data
    expect(await accept(bob, old.token)).toBe('404 INVITATION_NOT_FOUND')
    const listed = await dan.api.get(`/workspaces/${id}/invitations`)
    expect(listed.body.data).toMatchObject([{ id: renewed.invitationId, email: bob.email, role: 'owner' }])
    expect(JSON.stringify(listed.body)).not.toContain('oken')

    const revoke = async (user: TestUser) => user.api.delete(`/invitations/${renewed.invitationId}`)
    expect(problemOf(await revoke(cleo))).toBe('404 INVITATION_NOT_FOUND')
    expect(problemOf(await revoke(dan))).toBe('403 ROLE_TOO_HIGH')
    expect((await revoke(ann)).status).toBe(204)
    expect(problemOf(await revoke(ann))).toBe('404 INVITATION_NOT_FOUND')
    expect(await accept(bob, renewed.token)).toBe('404 INVITATION_NOT_FOUND')
  })

  it('is worth nothing once its inviter could not give it any more', async () => {
    const { id } = await workspaceOf(ann, [bob, 'admin'], [dan, 'owner'])
    const back = (await invite(bob, id, cleo.email, 'admin')).body.data
    const owner = (await invite(dan, id, 'owner@example.com', 'owner')).body.data
    const accept = (user: TestUser, { token }: { token: string }) =>
      user.api.post('/invitations/accept', { token })
    await setRole(ann, id, bob, 'member')
    expect(problemOf(await accept(cleo, back))).toBe('404 INVITATION_NOT_FOUND')
    await setRole(ann, id, bob, 'admin')
    await remove(ann, id, bob)
    expect(problemOf(await accept(cleo, back))).toBe('404 INVITATION_NOT_FOUND')
    await setRole(ann, id, dan, 'admin')
    await rows(app, 'update invitations set email = $2 where id = $1', [owner.invitationId, cleo.email])
    expect(problemOf(await accept(cleo, owner))).toBe('404 INVITATION_NOT_FOUND')
    await setRole(ann, id, dan, 'owner')
    expect((await accept(cleo, owner)).body.data.role).toBe('owner')
  })

  it('is not given by an admin who was removed a moment ago', async () => {
    const { id } = await workspaceOf(ann, [bob, 'admin'])
    const access = app.container.resolve(Access)
    const { role, ...rest } = await access.workspace(bob, id)
    const asked = vi.spyOn(access, 'workspace').mockImplementationOnce(async () => {
      await remove(ann, id, bob)
      return { role, ...rest }
    })
    expect(problemOf(await invite(bob, id, cleo.email))).toBe('403 FORBIDDEN')
    expect(asked).toHaveBeenCalledWith(expect.objectContaining({ id: bob.id }), id, 'admin')
    asked.mockRestore()
  })

  it('takes the place only of those that its inviter could revoke', async () => {
    const { id } = await workspaceOf(ann, [bob, 'admin'])
    const made = (await invite(ann, id, cleo.email, 'owner')).body.data
    expect(problemOf(await invite(bob, id, cleo.email, 'guest'))).toBe('403 ROLE_TOO_HIGH')
    const listed = await ann.api.get(`/workspaces/${id}/invitations`)
    expect(listed.body.data).toMatchObject([{ id: made.invitationId, role: 'owner' }])
  })

  it('marks the channels read in the order of their ids, in which messages lock them', async () => {
    const { id } = await workspaceOf(ann)
    const channels: string[] = []
    for (const name of ['one', 'two', 'three']) {
      const made = await ann.api.data('POST', `/workspaces/${id}/channels`, { name, type: 'public' })
      channels.push(made.id)
    }
    // A changed row is stored behind the others.
    for (const channelId of channels.slice(0, 2).reverse())
      await ann.api.data('PATCH', `/channels/${channelId}`, { description: 'changed' })
    const { token } = (await invite(ann, id, bob.email)).body.data
    await bob.api.data('POST', '/invitations/accept', { token })
    const marked = await rows(
      app,
      'select channel_id from channel_reads where user_id = $1 order by ctid desc',
      [bob.id],
    )
    expect(marked.slice(0, 3).map(row => row.channel_id)).toEqual(channels.reverse())
  })

  it('leaves nothing unread of what was said before, and everything to whoever was there', async () => {
    const { id } = await workspaceOf(ann, [cleo, 'guest'])
    const channel = await ann.api.data('POST', `/workspaces/${id}/channels`, {
      name: 'general',
      type: 'public',
    })
    for (const content of ['one', 'two']) {
      await ann.api.data('POST', `/channels/${channel.id}/messages`, { content })
    }
    const { token } = (await invite(ann, id, bob.email)).body.data
    await bob.api.data('POST', '/invitations/accept', { token })
    await setRole(ann, id, cleo, 'member')
    await ann.api.data('POST', `/channels/${channel.id}/messages`, { content: 'three' })
    for (const user of [bob, cleo]) {
      const { body } = await user.api.get(`/channels/${channel.id}`)
      expect(body.data).toMatchObject({ unread: 1, lastReadSeq: 2, lastSeq: 3 })
    }
  })
})

function personOf({ user }: TestUser) {
  const { id, username, firstName, lastName } = user
  return { id, username, firstName, lastName, avatarUrl: null }
}
