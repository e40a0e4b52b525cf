import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Database } from '../../src/db/database.js'
import type { Activity } from '../../src/modules/activity/activity.contract.js'
import { nextActivitySeq, recordActivity } from '../../src/modules/activity/record-activity.js'
import { register, registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { heard, newProject, newTask, problemOf, race, rows, statementsOf } from '../work/support.js'
import { ActivityStream } from './support.js'

let app: TestApp
let ann: TestUser
let ben: TestUser
let gus: TestUser
let workspaceId: string
let project: { id: string }

beforeAll(async () => {
  app = await startApp()
  ;[ann, ben, gus] = await registerAll(app.origin, 'Ann', 'Ben', 'Gus')
})
afterAll(() => app.stop())
beforeEach(async () => {
  workspaceId = (await workspaceOf(ann, ben, [gus, 'guest'])).id
  project = await newProject(ann, workspaceId)
})

const ofWorkspace = (user: TestUser, query = ''): Promise<Activity[]> =>
  user.api.data('GET', `/workspaces/${workspaceId}/activity?limit=100${query}`)
const types = (activities: Activity[]) => activities.map(({ type }) => type)
const letIn = (user: TestUser, projectId = project.id) =>
  ann.api.data('PUT', `/projects/${projectId}/members/${user.id}`)
const channel = (type: 'public' | 'private', name: string = type): Promise<{ id: string }> =>
  ann.api.data('POST', `/workspaces/${workspaceId}/channels`, { name, type })

describe('an activity', () => {
  it('tells who did what, where, with what it was before and after', async () => {
    const task = await newTask(ann.api, project.id)
    await ben.api.data('PATCH', `/tasks/${task.id}`, { title: 'Better' })
    const [latest] = await ofWorkspace(ann)
    const { id, username, firstName, lastName, avatarUrl } = ben.user
    expect(latest).toMatchObject({
      workspaceId,
      type: 'task.updated',
      actor: { id, username, firstName, lastName, avatarUrl },
      projectId: project.id,
      taskId: task.id,
      channelId: null,
      before: { title: 'A task' },
      after: { title: 'Better' },
    })
  })

  it('has a null actor where the system acted', async () => {
    await app.container.resolve(Database).write(async tx => {
      const seq = await nextActivitySeq(tx, workspaceId)
      await recordActivity(tx, seq, { workspaceId, actorId: null, type: 'workspace.swept' })
    })
    expect((await ofWorkspace(ann))[0]).toMatchObject({ type: 'workspace.swept', actor: null })
  })

  it('has long texts cut short, though the log has them whole', async () => {
    const description = 'x'.repeat(50_000)
    const task = await newTask(ann.api, project.id, { title: 'Long', description })
    const [latest] = await ofWorkspace(ann)
    expect(latest?.after).toMatchObject({
      title: 'Long',
      description: `${'x'.repeat(1_000)}…`,
      parentTaskId: null,
    })
    const text = `select after ->> 'description' as description from activities where task_id = $1`
    expect(await rows(app, text, [task.id])).toEqual([{ description }])
  })

  it('stays when the one who acted has left', async () => {
    const task = await newTask(ben.api, project.id)
    await ben.api.data('POST', `/workspaces/${workspaceId}/leave`)
    const [latest] = await ann.api.data('GET', `/tasks/${task.id}/activity`)
    expect(latest).toMatchObject({ type: 'task.created', actor: { id: ben.id } })
  })
})

describe('a list', () => {
  it('of a workspace has all of it, the latest first, page by page, each once while more happens', async () => {
    const task = await newTask(ann.api, project.id)
    for (let n = 0; n < 10; n++) await ann.api.data('PATCH', `/tasks/${task.id}`, { title: `Title ${n}` })
    const all = await rows(app, 'select seq from activities where workspace_id = $1 order by seq desc', [
      workspaceId,
    ])
    const seen: number[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const path = `/workspaces/${workspaceId}/activity?limit=4${cursor && `&cursor=${cursor}`}`
      const { body } = await ann.api.get(path)
      seen.push(...body.data.map(({ seq }: Activity) => seq))
      cursor = body.meta.nextCursor
      await ann.api.data('PATCH', `/tasks/${task.id}`, { title: `Meanwhile ${seen.length}` })
    }
    expect(seen).toEqual(all.map(({ seq }) => seq))
  })

  it('of a project has that of its tasks, and of a task its own alone', async () => {
    const [task, other] = [await newTask(ann.api, project.id), await newTask(ann.api, project.id)]
    await ann.api.data('POST', `/tasks/${task.id}/comments`, { content: 'Hm' })
    await newProject(ann, workspaceId)
    const inProject = await ann.api.data('GET', `/projects/${project.id}/activity`)
    expect(types(inProject)).toEqual(['comment.created', 'task.created', 'task.created', 'project.created'])
    const onTask: Activity[] = await ann.api.data('GET', `/tasks/${task.id}/activity`)
    expect(types(onTask)).toEqual(['comment.created', 'task.created'])
    expect(onTask.some(({ taskId }) => taskId === other.id)).toBe(false)
  })

  it.each(['cursor=nonsense', 'limit=101', 'since=1'])('takes no %s', async query => {
    const answer = await ann.api.get(`/workspaces/${workspaceId}/activity?${query}`)
    expect(problemOf(answer)).toMatch(/^422 (INVALID_CURSOR|VALIDATION_ERROR query\.(limit|since))/)
  })

  it('costs as many statements for many as for one', async () => {
    const task = await newTask(ann.api, project.id)
    const reads = [
      () => ann.api.get(`/workspaces/${workspaceId}/activity?limit=100`),
      () => ann.api.get(`/projects/${project.id}/activity?limit=100`),
      () => ann.api.get(`/tasks/${task.id}/activity?limit=100`),
    ]
    const few = []
    for (const read of reads) few.push(await statementsOf(app, read))
    await race(40, n => ann.api.data('POST', `/tasks/${task.id}/comments`, { content: `Comment ${n}` }))
    const many = []
    for (const read of reads) many.push(await statementsOf(app, read))
    expect(many).toEqual(few)
  })
})

describe('whoever does not see a place', () => {
  it('gets no activity of a private channel, whatever his role', async () => {
    const { id } = await channel('private')
    await ann.api.data('POST', `/channels/${id}/members`, { userId: ben.id })
    const cleo = await register(app.origin, 'Cleo')
    const invitation = { email: cleo.email, role: 'admin' }
    const { token } = await ann.api.data('POST', `/workspaces/${workspaceId}/invite`, invitation)
    await cleo.api.data('POST', '/invitations/accept', { token })
    const of = async (user: TestUser) =>
      types((await ofWorkspace(user)).filter(({ channelId }) => channelId === id))
    expect(await of(ann)).toEqual(['channel.member_added', 'channel.created'])
    expect(await of(ben)).toEqual(['channel.member_added', 'channel.created'])
    expect(await of(cleo)).toEqual([])
    await ann.api.data('DELETE', `/channels/${id}/members/${ben.id}`)
    expect(await of(ben)).toEqual([])
    expect(await of(ann)).toHaveLength(3)
  })

  it('gets, as a guest, that of the projects and channels that he was added to, and nothing else', async () => {
    const [hidden, open] = [await newProject(ann, workspaceId), await channel('public', 'open')]
    await newTask(ann.api, hidden.id)
    await newTask(ann.api, project.id)
    await channel('public', 'closed')
    await ann.api.data('PATCH', `/workspaces/${workspaceId}`, { name: 'Renamed' })
    expect(await ofWorkspace(gus)).toEqual([])
    expect(problemOf(await gus.api.get(`/projects/${project.id}/activity`))).toBe('404 PROJECT_NOT_FOUND')
    await letIn(gus)
    await ann.api.data('POST', `/channels/${open.id}/members`, { userId: gus.id })
    expect(types(await ofWorkspace(gus))).toEqual([
      'channel.member_added',
      'project.member_added',
      'task.created',
      'channel.created',
      'project.created',
    ])
    await ann.api.data('DELETE', `/projects/${project.id}/members/${gus.id}`)
    await ann.api.data('DELETE', `/channels/${open.id}`)
    expect(await ofWorkspace(gus)).toEqual([])
  })

  it('hears, as a guest, of no relation to a task that he does not see', async () => {
    const hidden = await newTask(ann.api, (await newProject(ann, workspaceId)).id)
    const [task, other] = [await newTask(ann.api, project.id), await newTask(ann.api, project.id)]
    await letIn(gus)
    for (const { id } of [hidden, other])
      await ann.api.data('POST', `/tasks/${task.id}/relations`, { kind: 'relates', taskId: id })
    const related = async (user: TestUser) => {
      const activities: Activity[] = await user.api.data('GET', `/tasks/${task.id}/activity`)
      return activities.filter(({ type }) => type === 'task.related').map(({ after }) => after?.taskId)
    }
    expect(await related(ben)).toEqual([other.id, hidden.id])
    expect(await related(gus)).toEqual([other.id])
  })

  it('gets no invitations, unless he may invite', async () => {
    const { email } = await register(app.origin, 'Dan')
    const path = `/workspaces/${workspaceId}/invite`
    const { invitationId } = await ann.api.data('POST', path, { email, role: 'member' })
    await ann.api.data('DELETE', `/invitations/${invitationId}`)
    expect(types(await ofWorkspace(ann)).slice(0, 2)).toEqual(['member.uninvited', 'member.invited'])
    expect(JSON.stringify(await ofWorkspace(ben))).not.toContain(email)
    expect(types(await ofWorkspace(ben)).filter(type => type.includes('invited'))).toEqual([])
    expect(types(await ofWorkspace(ben))).toContain('member.added')
  })

  it('gets no activity at all once he is out of the workspace, or the workspace is gone', async () => {
    await ann.api.data('DELETE', `/workspaces/${workspaceId}/members/${ben.id}`)
    const path = `/workspaces/${workspaceId}/activity`
    expect(problemOf(await ben.api.get(path))).toBe('404 WORKSPACE_NOT_FOUND')
    await ann.api.data('DELETE', `/workspaces/${workspaceId}`)
    expect(problemOf(await ann.api.get(path))).toBe('404 WORKSPACE_NOT_FOUND')
  })
})

describe('what is deleted', () => {
  it('is still told of to members: what became of a project and a public channel', async () => {
    const { id } = await channel('public')
    await letIn(gus)
    await newTask(ann.api, project.id, { title: 'Lost' })
    await ann.api.data('DELETE', `/projects/${project.id}`)
    await ann.api.data('DELETE', `/channels/${id}`)
    expect(types(await ofWorkspace(ben)).slice(0, 3)).toEqual([
      'channel.deleted',
      'project.deleted',
      'task.created',
    ])
    expect(await ofWorkspace(gus)).toEqual([])
    expect(problemOf(await ben.api.get(`/projects/${project.id}/activity`))).toBe('404 PROJECT_NOT_FOUND')
  })

  it('is, of a private channel, told to those who were in it', async () => {
    const { id } = await channel('private')
    await ann.api.data('DELETE', `/channels/${id}`)
    expect(types(await ofWorkspace(ann))[0]).toBe('channel.deleted')
    expect(types(await ofWorkspace(ben))).not.toContain('channel.deleted')
  })

  it('is, of a comment, not what it said, in any of its versions', async () => {
    const task = await newTask(ann.api, project.id)
    const { id } = await ann.api.data('POST', `/tasks/${task.id}/comments`, { content: 'hunter2' })
    await ann.api.data('PATCH', `/comments/${id}`, { content: 'hunter3' })
    const onTask = (): Promise<Activity[]> => ann.api.data('GET', `/tasks/${task.id}/activity`)
    expect((await onTask())[0]).toMatchObject({
      before: { content: 'hunter2' },
      after: { content: 'hunter3' },
    })
    await ann.api.data('DELETE', `/comments/${id}`)
    const after = await onTask()
    expect(types(after)).toEqual(['comment.deleted', 'comment.edited', 'comment.created', 'task.created'])
    expect(JSON.stringify(after)).not.toContain('hunter')
    expect(after[1]?.after).toEqual({ commentId: id, mentions: [] })
  })
})

describe('the announcement of an activity', () => {
  const write = (work: Parameters<Database['write']>[0]) => app.container.resolve(Database).write(work)
  const happening = () => ({ workspaceId, actorId: ann.id, type: 'workspace.tested' })

  it('comes once it is committed, and not before', async () => {
    const told = heard(app, 'activity.recorded')
    const seq = await write(async tx => {
      const taken = await nextActivitySeq(tx, workspaceId)
      await recordActivity(tx, taken, happening())
      expect(told).toEqual([])
      return taken
    })
    expect(told).toEqual([{ workspaceId, seq }])
  })

  it('does not come of a write that is undone', async () => {
    const told = heard(app, 'activity.recorded')
    const undone = write(async tx => {
      await recordActivity(tx, await nextActivitySeq(tx, workspaceId), happening())
      throw new Error('no')
    })
    await expect(undone).rejects.toThrow('no')
    expect(told).toEqual([])
  })

  it('comes once of a write that had to run again', async () => {
    const told = heard(app, 'activity.recorded')
    let runs = 0
    await write(async tx => {
      await recordActivity(tx, await nextActivitySeq(tx, workspaceId), happening())
      runs += 1
      if (runs < 3) await tx.execute(sql`do $$ begin raise sqlstate '40001'; end $$`)
    })
    expect(runs).toBe(3)
    const [{ last_seq }] = await rows(app, 'select last_seq from workspaces where id = $1', [workspaceId])
    expect(told).toEqual([{ workspaceId, seq: last_seq }])
  })
})

describe('on the embedded database', () => {
  it('lists and streams work as on PostgreSQL', async () => {
    const embedded = await startApp({ on: 'embedded' })
    const cleo = await register(embedded.origin, 'Cleo')
    const { id } = await workspaceOf(cleo)
    const stream = new ActivityStream(
      `${embedded.origin}/api/v1/workspaces/${id}/activity/live?since=0`,
      cleo,
    )
    await stream.ready()
    const { id: projectId } = await newProject(cleo, id)
    await newTask(cleo.api, projectId)
    await stream.next(({ type }) => type === 'task.created')
    stream.close()
    const listed = await cleo.api.data('GET', `/workspaces/${id}/activity`)
    expect(listed).toEqual(stream.activities.toReversed())
    await embedded.stop()
  })
})
