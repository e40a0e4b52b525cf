import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { NotificationType } from '../../src/modules/notifications/notifications.contract.js'
import type { Task } from '../../src/modules/tasks/tasks.contract.js'
import { register, registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { newProject, newTask, rows } from '../work/support.js'
import { catchUp, notificationsOf } from './support.js'

describe.each(['postgres', 'embedded'] as const)('what is done, on %s,', on => {
  let app: TestApp
  let ann: TestUser
  let ben: TestUser
  let cat: TestUser
  let workspaceId: string
  let project: { id: string; key: string }

  beforeAll(async () => {
    app = await startApp({ on })
  })
  afterAll(() => app.stop())
  beforeEach(async () => {
    ;[ann, ben, cat] = await registerAll(app.origin, 'Ann', 'Ben', 'Cat')
    workspaceId = (await workspaceOf(ann, ben, cat)).id
    project = await newProject(ann, workspaceId)
    await catchUp(app)
    for (const { api } of [ben, cat]) await api.data('POST', '/notifications/read-all')
  })

  const task = (fields: object = {}) => newTask(ann.api, project.id, fields)
  const say = ({ api }: TestUser, { id }: Task, content: string, parentId?: string) =>
    api.data('POST', `/tasks/${id}/comments`, { content, ...(parentId && { parentId }) })
  const at = ({ user }: TestUser) => `@${user.username}`
  /** What each of some was told since the test began. */
  async function told(...users: TestUser[]): Promise<NotificationType[][]> {
    await catchUp(app)
    return Promise.all(
      users.map(async user => {
        const all = await notificationsOf(user)
        return all.filter(({ readAt }) => readAt === null).map(({ type }) => type)
      }),
    )
  }

  test('is told to who is assigned, and not to who assigns', async () => {
    const made = await task({ title: 'Engine', assigneeIds: [ann.id, ben.id] })
    expect(await told(ann, ben, cat)).toEqual([[], ['task.assigned'], []])
    expect((await notificationsOf(ben)).at(-1)).toMatchObject({
      type: 'task.assigned',
      userId: ben.id,
      workspaceId,
      actor: { id: ann.id, firstName: 'Ann' },
      taskId: made.id,
      channelId: null,
      messageId: null,
      data: { key: made.key, title: 'Engine' },
      readAt: null,
    })
    await ann.api.data('PUT', `/tasks/${made.id}/assignees/${cat.id}`)
    await ben.api.data('PUT', `/tasks/${made.id}/assignees/${ben.id}`)
    expect(await told(ann, ben, cat)).toEqual([[], ['task.assigned'], ['task.assigned']])
  })

  test('is told again to who is assigned again, and not when he is taken off', async () => {
    const made = await task({ assigneeIds: [ben.id] })
    await ann.api.data('DELETE', `/tasks/${made.id}/assignees/${ben.id}`)
    await ann.api.data('PATCH', `/tasks/${made.id}/assignees`, { assigneeIds: [ben.id] })
    await ann.api.data('PATCH', `/tasks/${made.id}`, { title: 'Other', status: 'done' })
    expect(await told(ben)).toEqual([['task.assigned', 'task.assigned']])
  })

  test('is told to who is named in a description, once, and as an assignment where it is one', async () => {
    const made = await task({ description: `for ${at(ben)} and ${at(cat)}`, assigneeIds: [cat.id] })
    expect(await told(ben, cat)).toEqual([['task.mentioned'], ['task.assigned']])
    await ann.api.data('PATCH', `/tasks/${made.id}`, { description: `really for ${at(ben)}, ${at(cat)}` })
    expect(await told(ben)).toEqual([['task.mentioned']])
    await ann.api.data('PATCH', `/tasks/${made.id}`, { description: `${at(ann)} ${at(cat)} nobody` })
    expect(await told(ann, ben, cat)).toEqual([[], ['task.mentioned'], ['task.assigned']])
  })

  test('as a comment is told to who reported the task, works on it, commented on it, or is mentioned', async () => {
    const made = await task({ assigneeIds: [ben.id] })
    const { id } = await say(cat, made, `ask ${at(ann)}`)
    expect(await told(ann, ben, cat)).toEqual([
      ['comment.mentioned'],
      ['task.assigned', 'task.commented'],
      [],
    ])
    expect((await notificationsOf(ann)).at(-1)?.data).toEqual({
      key: made.key,
      title: made.title,
      commentId: id,
    })
    await say(ben, made, 'done')
    expect((await told(ann, cat)).map(types => types.at(-1))).toEqual(['task.commented', 'task.commented'])
  })

  test('as a mention makes one hear of the comments that follow', async () => {
    const made = await task()
    await say(ann, made, `look, ${at(cat)}`)
    await say(ann, made, 'and so on')
    expect(await told(cat, ben)).toEqual([['comment.mentioned', 'task.commented'], []])
  })

  test('as an edit is told only to who was not mentioned before', async () => {
    const made = await task()
    const { id } = await say(ann, made, `look, ${at(cat)}`)
    await ann.api.data('PATCH', `/comments/${id}`, { content: `look, ${at(cat)} and ${at(ben)}` })
    expect(await told(cat, ben)).toEqual([['comment.mentioned'], ['comment.mentioned']])
  })

  test('is not told any more where it was taken back before anybody looked', async () => {
    const made = await task()
    const { id } = await say(ann, made, at(cat))
    await ann.api.data('DELETE', `/comments/${id}`)
    const other = await say(ann, await task(), at(cat))
    await ann.api.data('PATCH', `/comments/${other.id}`, { content: 'nobody' })
    const gone = await task({ assigneeIds: [cat.id] })
    await ann.api.data('DELETE', `/tasks/${gone.id}`)
    expect(await told(cat)).toEqual([[]])
  })

  test('is told to who said that he watches, and not to who said that he does not', async () => {
    const made = await task({ assigneeIds: [ben.id] })
    const path = `/tasks/${made.id}/watch`
    const isWatching = (user: TestUser) => user.api.data('GET', path)
    expect(await Promise.all([ann, ben, cat].map(isWatching))).toEqual([
      { isWatching: true },
      { isWatching: true },
      { isWatching: false },
    ])
    expect(await cat.api.data('PUT', path)).toEqual({ isWatching: true })
    expect((await ben.api.delete(path)).status).toBe(204)
    expect(await Promise.all([ben, cat].map(isWatching))).toEqual([
      { isWatching: false },
      { isWatching: true },
    ])
    await say(ann, made, 'hello')
    expect(await told(ben, cat)).toEqual([['task.assigned'], ['task.commented']])
    // Who does not watch is told what is said to him all the same.
    await say(ann, made, at(ben))
    expect(await told(ben)).toEqual([['task.assigned', 'comment.mentioned']])
    await cat.api.data('DELETE', path)
    await ben.api.data('PUT', path)
    await say(ann, made, 'hello again')
    expect((await told(ben, cat)).map(types => types.length)).toEqual([3, 2])
  })

  test('is not told of types that one has muted: then as what else it is, or not at all', async () => {
    const made = await task()
    await ben.api.data('PATCH', '/notifications/settings', { mutedTypes: ['comment.mentioned'] })
    await cat.api.data('PATCH', '/notifications/settings', {
      mutedTypes: ['comment.mentioned', 'task.commented'],
    })
    await say(ann, made, `${at(ben)} ${at(cat)}`)
    expect(await told(ben, cat)).toEqual([[], []])
    await say(ann, made, `${at(ben)} ${at(cat)}`)
    await say(ann, made, 'more')
    expect(await told(ben, cat)).toEqual([['task.commented', 'task.commented'], []])
  })

  test('as an invitation is told to who has the address, until it is accepted or revoked', async () => {
    const outsider = await register(app.origin, 'Out')
    const { id } = await ann.api.data('POST', '/workspaces', { name: 'Elsewhere' })
    const invite = () =>
      ann.api.data('POST', `/workspaces/${id}/invite`, { email: outsider.email, role: 'guest' })
    const first = await invite()
    expect(await told(outsider)).toEqual([['workspace.invited']])
    const [notification] = await notificationsOf(outsider)
    expect(notification).toMatchObject({
      workspaceId: id,
      actor: { id: ann.id },
      data: {
        invitationId: first.invitationId,
        workspaceName: 'Elsewhere',
        role: 'guest',
        expiresAt: first.expiresAt,
      },
    })
    // A new invitation takes the place of the one before, and so does its notification.
    const second = await invite()
    expect(await told(outsider)).toEqual([['workspace.invited']])
    expect((await notificationsOf(outsider))[0]?.data.invitationId).toBe(second.invitationId)
    await ann.api.data('DELETE', `/invitations/${second.invitationId}`)
    expect(await told(outsider)).toEqual([[]])
    const { token } = await invite()
    await outsider.api.data('POST', '/invitations/accept', { token })
    await catchUp(app)
    // The third one was accepted before anybody looked; to a member all of them are his own story.
    const invited = (await notificationsOf(outsider)).map(({ data }) => data.invitationId)
    expect(invited).toEqual([first.invitationId, second.invitationId])
  })

  test('is not told to who was shut out of the server', async () => {
    await rows(app, 'update users set disabled_at = now() where id = $1', [ben.id])
    await task({ assigneeIds: [ben.id] })
    await catchUp(app)
    const text = `select type from notifications where user_id = $1 and read_at is null`
    expect(await rows(app, text, [ben.id])).toEqual([])
  })

  test('is told in order, once, however often it is looked at', async () => {
    for (let n = 0; n < 5; n++) await task({ title: `Task ${n}`, assigneeIds: [ben.id] })
    await catchUp(app)
    await catchUp(app)
    const all = await notificationsOf(ben)
    expect(all.slice(-5).map(({ data }) => data.title)).toEqual([0, 1, 2, 3, 4].map(n => `Task ${n}`))
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, n) => n + 1))
  })
})
