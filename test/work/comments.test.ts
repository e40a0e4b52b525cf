import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Comment } from '../../src/modules/comments/comments.contract.js'
import { CommentsRepository } from '../../src/modules/comments/comments.repository.js'
import type { Task } from '../../src/modules/tasks/tasks.contract.js'
import { listen } from '../stats/listening.js'
import { type Api, register, registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { heard, newProject, newTask, problemOf, race, rows, statementsOf, tally } from './support.js'

let app: TestApp
let ann: TestUser
let ben: TestUser
let gus: TestUser
let workspaceId: string
let project: { id: string }
let task: Task

beforeAll(async () => {
  app = await startApp()
  ;[ann, ben, gus] = await registerAll(app.origin, 'Ann', 'Ben', 'Gus')
  workspaceId = (await workspaceOf(ann, ben, [gus, 'guest'])).id
})
afterAll(() => app.stop())
beforeEach(async () => {
  project = await newProject(ann, workspaceId)
  task = await newTask(ann.api, project.id)
})

function comment(api: Api, content = 'Looks good', parentId?: string): Promise<Comment> {
  return api.data('POST', `/tasks/${task.id}/comments`, { content, ...(parentId && { parentId }) })
}
const list = (query = ''): Promise<Comment[]> => ann.api.data('GET', `/tasks/${task.id}/comments${query}`)
const taskNow = (): Promise<Task> => ann.api.data('GET', `/tasks/${task.id}`)
const letIn = (user: TestUser) => ann.api.data('PUT', `/projects/${project.id}/members/${user.id}`)
const ids = (comments: Comment[]) => comments.map(({ id }) => id)

describe('a comment', () => {
  it('is told with its author, and found where its Location says', async () => {
    const { status, headers, body } = await ben.api.post(`/tasks/${task.id}/comments`, { content: 'Hm' })
    expect(status).toBe(201)
    const { id, username, firstName, lastName, avatarUrl } = ben.user
    expect(body.data).toMatchObject({
      taskId: task.id,
      authorId: ben.id,
      author: { id, username, firstName, lastName, avatarUrl },
      content: 'Hm',
      mentions: [],
      parentId: null,
      replyCount: 0,
      isEdited: false,
      deletedAt: null,
    })
    expect((await ann.api.get(headers.get('location') ?? '')).body.data).toEqual(body.data)
    expect(await list()).toEqual([body.data])
  })

  it.each([
    ['blank', { content: ' \n ' }, '422 VALIDATION_ERROR body.content'],
    ['too long', { content: 'x'.repeat(40_001) }, '422 VALIDATION_ERROR body.content'],
    ['without text', {}, '422 VALIDATION_ERROR body.content'],
    ['by another name', { content: 'Hm', authorId: '0' }, '422 VALIDATION_ERROR body.authorId'],
  ])('is refused when it is %s', async (_what, body, problem) => {
    expect(problemOf(await ann.api.post(`/tasks/${task.id}/comments`, body))).toBe(problem)
  })

  it('changes the number of comments of its task, but not the version', async () => {
    const first = await comment(ann.api)
    await comment(ben.api)
    const now = await taskNow()
    expect(now).toMatchObject({ commentCount: 2, version: task.version, seq: task.seq + 2 })
    await ann.api.data('DELETE', `/comments/${first.id}`)
    expect(await taskNow()).toMatchObject({ commentCount: 1, version: task.version, seq: task.seq + 3 })
    const path = `/projects/${project.id}/changes?since=${task.seq}`
    const { lastSeq, changes } = await ann.api.data('GET', path)
    expect([lastSeq, changes.map(({ id }: Task) => id)]).toEqual([task.seq + 3, [task.id]])
  })

  it('is counted in the statistics of its project, at once', async () => {
    const path = `${app.origin}/api/v1/projects/${project.id}/stats/live`
    const stats = listen(path, 'stats:update', { authorization: `Bearer ${ann.accessToken}` })
    await stats.next(({ commentCount }) => commentCount === 0)
    const { id } = await comment(ann.api)
    await stats.next(({ commentCount }) => commentCount === 1)
    await ann.api.data('DELETE', `/comments/${id}`)
    await stats.next(({ commentCount }) => commentCount === 0, stats.heard.length)
    stats.close()
  })

  it('is told to those who follow, by ids, with the task as it is since and whose change it was', async () => {
    const [created, edited, deleted, updated] = [
      heard(app, 'comment.created'),
      heard(app, 'comment.edited'),
      heard(app, 'comment.deleted'),
      heard(app, 'task.updated'),
    ]
    const headers = { 'x-origin-id': 'tab-1' }
    const path = `/tasks/${task.id}/comments`
    const { id } = (await ann.api.post(path, { content: 'Hm' }, { headers })).body.data
    await ann.api.data('PATCH', `/comments/${id}`, { content: 'Hm?' })
    await ann.api.delete(`/comments/${id}`, { headers })
    const place = { workspaceId, projectId: project.id, taskId: task.id, commentId: id }
    expect([created, edited, deleted]).toEqual([[place], [place], [place]])
    expect(updated.map(({ task: { commentCount }, origin }) => [commentCount, origin])).toEqual([
      [1, 'tab-1'],
      [0, 'tab-1'],
    ])
  })
})

describe('mentions', () => {
  const name = ({ user }: TestUser) => `@${user.username}`

  it('are of those who see the project: guests only where they were added', async () => {
    const outsider = await register(app.origin, 'Out')
    const text = `${name(ben)}, ${name(gus)} and ${name(outsider)}: look, @nobody`
    expect((await comment(ann.api, text)).mentions).toEqual([ben.id])
    await letIn(gus)
    expect((await comment(ann.api, text)).mentions).toEqual([ben.id, gus.id].sort())
  })

  it('follow an edit', async () => {
    const { id } = await comment(ann.api, name(ben))
    const edited = await ann.api.data('PATCH', `/comments/${id}`, { content: `${name(ann)} instead` })
    expect(edited.mentions).toEqual([ann.id])
  })
})

describe('a thread', () => {
  it('has all its replies, those to replies too', async () => {
    const first = await comment(ann.api)
    const reply = await comment(ben.api, 'Why?', first.id)
    const further = await comment(ann.api, 'Because', reply.id)
    expect([reply.parentId, further.parentId]).toEqual([first.id, first.id])
    expect((await list()).map(({ replyCount }) => replyCount)).toEqual([2, 0, 0])
    await ann.api.data('DELETE', `/comments/${further.id}`)
    expect((await list()).map(({ replyCount }) => replyCount)).toEqual([1, 0, 0])
  })

  it('is of one task, and of comments that are there', async () => {
    const other = await newTask(ann.api, project.id)
    const foreign = await ann.api.data('POST', `/tasks/${other.id}/comments`, { content: 'Elsewhere' })
    const gone = await comment(ann.api)
    await ann.api.data('DELETE', `/comments/${gone.id}`)
    const before = await taskNow()
    const reply = (parentId: string) =>
      ann.api.post(`/tasks/${task.id}/comments`, { content: 'Hm', parentId })
    expect(problemOf(await reply(foreign.id))).toBe('422 PARENT_NOT_FOUND body.parentId')
    expect(problemOf(await reply(task.id))).toBe('422 PARENT_NOT_FOUND body.parentId')
    expect(problemOf(await reply(gone.id))).toBe('409 COMMENT_DELETED body.parentId')
    expect(await taskNow()).toEqual(before)
  })
})

describe('an edit', () => {
  it('marks the comment, and leaves the task as it is', async () => {
    const { id } = await comment(ann.api)
    const before = await taskNow()
    const edited = await ann.api.data('PATCH', `/comments/${id}`, { content: 'Looks bad' })
    expect(edited).toMatchObject({ id, content: 'Looks bad', isEdited: true })
    expect(await taskNow()).toEqual(before)
  })

  it('with the same text is none', async () => {
    const first = await comment(ann.api)
    const events = heard(app, 'comment.edited')
    expect(await ann.api.data('PATCH', `/comments/${first.id}`, { content: first.content })).toEqual(first)
    expect(events).toEqual([])
  })

  it('is for the author alone', async () => {
    const { id } = await comment(ben.api)
    const body = { content: 'Mine' }
    expect(problemOf(await ann.api.patch(`/comments/${id}`, body))).toBe('403 NOT_COMMENT_AUTHOR')
    expect(problemOf(await gus.api.patch(`/comments/${id}`, body))).toBe('404 COMMENT_NOT_FOUND')
  })

  it('does not bring back a deleted one', async () => {
    const { id } = await comment(ann.api)
    await ann.api.data('DELETE', `/comments/${id}`)
    expect(problemOf(await ann.api.patch(`/comments/${id}`, { content: 'Back' }))).toBe('409 COMMENT_DELETED')
  })
})

describe('a deleted comment', () => {
  it('leaves a tombstone without its text', async () => {
    const { id } = await comment(ann.api, 'My password is hunter2')
    expect((await ann.api.delete(`/comments/${id}`)).status).toBe(204)
    const [tombstone] = await list()
    expect(tombstone).toMatchObject({ id, content: '', authorId: ann.id, deletedAt: expect.any(String) })
  })

  it('is deleted by its author or an admin, and by nobody else', async () => {
    await letIn(gus)
    const [bens, guses] = [await comment(ben.api), await comment(gus.api)]
    expect(problemOf(await gus.api.delete(`/comments/${bens.id}`))).toBe('403 FORBIDDEN')
    expect(problemOf(await ben.api.delete(`/comments/${guses.id}`))).toBe('403 FORBIDDEN')
    expect((await ann.api.delete(`/comments/${bens.id}`)).status).toBe(204)
    expect((await gus.api.delete(`/comments/${guses.id}`)).status).toBe(204)
  })

  it('is deleted once, by however many at a time', async () => {
    const { id } = await comment(ann.api)
    const answers = await race(50, () => ann.api.delete(`/comments/${id}`))
    expect(tally(answers)).toEqual({ 204: 50 })
    expect(await taskNow()).toMatchObject({ commentCount: 0, seq: task.seq + 2 })
    const text = `select type, seq from activities where task_id = $1 and type like 'comment.%' order by seq`
    expect((await rows(app, text, [task.id])).map(({ type }) => type)).toEqual([
      'comment.created',
      'comment.deleted',
    ])
  })
})

describe('fifty at once', () => {
  it('are each there, each with a number of its own in the sequence of the project', async () => {
    const updated = heard(app, 'task.updated')
    await race(50, n => comment(n % 2 ? ann.api : ben.api, `Comment ${n}`))
    expect(await taskNow()).toMatchObject({ commentCount: 50, version: 1, seq: task.seq + 50 })
    const counts = updated.map(({ task: { commentCount } }) => commentCount).sort((a, b) => a - b)
    expect(counts).toEqual(Array.from({ length: 50 }, (_, n) => n + 1))
    expect(new Set(ids(await list('?limit=100'))).size).toBe(50)
  })

  it('meet the end of the task: who was late finds no task, and nothing is left of his try', async () => {
    const [answers] = await Promise.all([
      race(50, n => ann.api.post(`/tasks/${task.id}/comments`, { content: `Comment ${n}` })),
      ann.api.data('DELETE', `/tasks/${task.id}`),
    ])
    const { 201: stored = 0, '404 TASK_NOT_FOUND': late = 0 } = tally(answers)
    expect(stored + late).toBe(50)
    const [{ count }] = await rows(app, 'select count(*) from comments where task_id = $1', [task.id])
    expect(count).toBe(stored)
    const [{ last_seq }] = await rows(app, 'select last_seq from projects where id = $1', [project.id])
    expect(last_seq).toBe(task.seq + stored + 1)
  })
})

describe('on a task that was deleted a moment ago', () => {
  it.each([
    ['create', 'TASK_NOT_FOUND'],
    ['edit', 'COMMENT_NOT_FOUND'],
    ['softDelete', 'COMMENT_NOT_FOUND'],
  ] as const)('%s is refused without a trace', async (write, code) => {
    const { id } = await comment(ann.api)
    await ann.api.data('DELETE', `/tasks/${task.id}`)
    const stored = app.container.resolve(CommentsRepository)
    const place = { id: task.id, workspaceId, projectId: project.id }
    const late = {
      create: () => stored.create(ann.id, place, { content: 'Too late' }),
      edit: () => stored.edit(ann.id, { id, task: place }, 'Too late'),
      softDelete: () => stored.softDelete(ann.id, { id, task: place }),
    }
    const trace = () =>
      rows(
        app,
        'select last_seq from workspaces where id = $1 union all select last_seq from projects where id = $2',
        [workspaceId, project.id],
      )
    const before = await trace()
    await expect(late[write]()).rejects.toMatchObject({ code })
    expect(await trace()).toEqual(before)
  })

  it('no comment is found, listed or taken', async () => {
    const { id } = await comment(ann.api)
    await ann.api.data('DELETE', `/tasks/${task.id}`)
    expect(problemOf(await ann.api.get(`/comments/${id}`))).toBe('404 COMMENT_NOT_FOUND')
    expect(problemOf(await ann.api.get(`/tasks/${task.id}/comments`))).toBe('404 TASK_NOT_FOUND')
    expect(problemOf(await ann.api.delete(`/comments/${id}`))).toBe('404 COMMENT_NOT_FOUND')
  })
})

describe('the list', () => {
  it.each(['createdAt', '-createdAt'])('is walked by %s, each once, also where times tie', async sort => {
    const made: string[] = []
    for (let n = 0; n < 12; n++) made.push((await comment(ann.api, `Comment ${n}`)).id)
    await rows(app, `update comments set created_at = date_trunc('hour', created_at) where task_id = $1`, [
      task.id,
    ])
    const seen: string[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const path = `/tasks/${task.id}/comments?limit=5&sort=${sort}${cursor && `&cursor=${cursor}`}`
      const { body } = await ann.api.get(path)
      seen.push(...ids(body.data))
      cursor = body.meta.nextCursor
      if (seen.length === 5) await comment(ben.api, 'Meanwhile')
    }
    const expected = [...made].sort()
    if (sort === '-createdAt') expected.reverse()
    expect(seen.slice(0, 12)).toEqual(expected)
    expect(seen.length).toBe(sort === 'createdAt' ? 13 : 12)
  })

  it('takes no cursor of another order', async () => {
    for (let n = 0; n < 2; n++) await comment(ann.api)
    const { body } = await ann.api.get(`/tasks/${task.id}/comments?limit=1`)
    const path = `/tasks/${task.id}/comments?sort=-createdAt&cursor=${body.meta.nextCursor}`
    expect(problemOf(await ann.api.get(path))).toBe('422 INVALID_CURSOR')
  })

  it('costs as many statements for many as for one', async () => {
    await comment(ann.api)
    const read = () => ann.api.get(`/tasks/${task.id}/comments?limit=100`)
    const one = await statementsOf(app, read)
    await race(30, () => comment(ben.api))
    expect(await statementsOf(app, read)).toBe(one)
  })
})
