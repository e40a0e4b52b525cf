import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ChannelsRepository } from '../../src/modules/channels/channels.repository.js'
import { ProjectMembersRepository } from '../../src/modules/projects/project-members.repository.js'
import { ProjectsRepository } from '../../src/modules/projects/projects.repository.js'
import { TaskChangesRepository } from '../../src/modules/tasks/changes/task-changes.repository.js'
import { TaskLifetimesRepository } from '../../src/modules/tasks/changes/task-lifetimes.repository.js'
import { createTask } from '../../src/modules/tasks/tasks.contract.js'
import { InvitationsRepository } from '../../src/modules/workspaces/invitations/invitations.repository.js'
import { MembersRepository } from '../../src/modules/workspaces/members/members.repository.js'
import { WorkspacesRepository } from '../../src/modules/workspaces/workspaces.repository.js'
import { registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { newProject, newTask, rows } from './support.js'

let app: TestApp
let ann: TestUser
let bob: TestUser
let workspaceId: string
let projectId: string
let taskId: string
let invitationId: string

beforeAll(async () => {
  app = await startApp()
  ;[ann, bob] = await registerAll(app.origin, 'Ann', 'Bob')
})
afterAll(() => app.stop())
beforeEach(async () => {
  workspaceId = (await workspaceOf(ann, bob)).id
  projectId = (await newProject(ann, workspaceId)).id
  taskId = (await newTask(ann.api, projectId)).id
  await ann.api.data('PUT', `/projects/${projectId}/members/${bob.id}`)
  const invited = { email: 'cleo@example.com', role: 'member' }
  invitationId = (await ann.api.data('POST', `/workspaces/${workspaceId}/invite`, invited)).invitationId
})

const ofChannels = () => app.container.resolve(ChannelsRepository)
const ofProjects = () => app.container.resolve(ProjectsRepository)
const ofProjectMembers = () => app.container.resolve(ProjectMembersRepository)
const ofTasks = () => app.container.resolve(TaskLifetimesRepository)
const ofChanges = () => app.container.resolve(TaskChangesRepository)
const ofWorkspaces = () => app.container.resolve(WorkspacesRepository)
const ofMembers = () => app.container.resolve(MembersRepository)
const ofInvitations = () => app.container.resolve(InvitationsRepository)

const anyVersion = () => true
const project = () => ({ id: projectId, workspaceId })
const task = () => ({ ids: [taskId], projectId, workspaceId })
const place = () => ({ workspaceId, userId: bob.id })
const channel = { name: 'late', description: '', type: 'public' } as const
const drafts = [{ path: 'body', fields: createTask.body.parse({ title: 'Too late' }) }]

/** Writes as they come from requests that were let in before, and wait for the lock. */
const inProject: Record<string, () => Promise<unknown>> = {
  'a task': () => ofTasks().create(ann.id, { workspaceId, projectId }, drafts),
  'the end of a task': () => ofTasks().softDelete({ id: ann.id, isGuest: false }, task(), anyVersion),
  'a new name': () => ofProjects().update(ann.id, project(), { name: 'Too late' }),
  'its end': () => ofProjects().softDelete(ann.id, project()),
  'a channel': () => ofChannels().create(ann.id, { ...channel, workspaceId, projectId }),
  'a member': () => ofProjectMembers().add(ann.id, { ...place(), projectId, userId: ann.id }),
  'the end of a membership': () => ofProjectMembers().remove(ann.id, { ...place(), projectId }),
}
const inWorkspace: Record<string, () => Promise<unknown>> = {
  'a project': () =>
    ofProjects().create(ann.id, { workspaceId, name: 'Too late', key: 'LATE', description: '' }),
  'a name': () => ofWorkspaces().update(ann.id, workspaceId, { name: 'Too late' }),
  'another end': () => ofWorkspaces().softDelete(ann.id, workspaceId),
  'a role': () => ofMembers().changeRole(ann.id, place(), 'guest'),
  'a removal': () => ofMembers().remove(ann.id, place()),
  'a leaving': () => ofMembers().leave(place()),
  'an invitation': () =>
    ofInvitations().create(
      ann.id,
      {
        workspaceId,
        email: 'dan@example.com',
        role: 'member',
        tokenHash: `hash of ${workspaceId}`,
        expiresAt: '2100-01-01T00:00:00.000Z',
      },
      { to: 'dan@example.com', subject: 'Too late', text: 'Too late' },
    ),
  'the end of an invitation': () => ofInvitations().revoke(ann.id, { id: invitationId, workspaceId }),
}
const changeOfTask = () => ofChanges().change(ann.id, task(), { title: 'Too late' }, anyVersion)

/** All that a write could leave in the place. */
async function trace() {
  const activity = await rows(app, 'select count(*) from activities where workspace_id = $1', [workspaceId])
  const steps = await rows(app, 'select last_seq, last_task_number from projects where id = $1', [projectId])
  const titles = await rows(app, 'select title, deleted_at from tasks where project_id = $1', [projectId])
  return { activity, steps, titles }
}

async function refusedWithoutTrace(write: () => Promise<unknown>, code: string) {
  const before = await trace()
  await expect(write()).rejects.toMatchObject({ code })
  expect(await trace()).toEqual(before)
}

describe('a project that was deleted a moment ago takes', () => {
  it.each(Object.entries(inProject))('not %s', async (_what, write) => {
    await ann.api.delete(`/projects/${projectId}`)
    await refusedWithoutTrace(write, 'PROJECT_NOT_FOUND')
  })

  it('no change of a task', async () => {
    await ann.api.delete(`/projects/${projectId}`)
    await refusedWithoutTrace(changeOfTask, 'TASK_NOT_FOUND')
  })
})

describe('a workspace that was deleted a moment ago takes', () => {
  it.each(Object.entries({ ...inWorkspace, ...inProject, 'a change of a task': changeOfTask }))(
    'not %s',
    async (_what, write) => {
      await ann.api.delete(`/workspaces/${workspaceId}`)
      await refusedWithoutTrace(write, 'WORKSPACE_NOT_FOUND')
    },
  )
})
