import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { Database } from '../../src/db/database.js'
import { Events } from '../../src/events.js'
import { MessagesRepository } from '../../src/modules/messages/messages.repository.js'
import { TaskLifetimesRepository } from '../../src/modules/tasks/changes/task-lifetimes.repository.js'
import { only } from '../../src/modules/tasks/changes/task-set.js'
import { type ChangedTask, createTask } from '../../src/modules/tasks/tasks.contract.js'
import { TasksRepository } from '../../src/modules/tasks/tasks.repository.js'
import { register, registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { Board } from '../support/board.js'
import { type ChatClient, connectChat } from '../support/chat.js'
import { newProject, newTask } from '../work/support.js'

let app: TestApp
let ann: TestUser
let ben: TestUser
let guest: TestUser
let workspaceId: string

beforeAll(async () => {
  app = await startApp()
  ;[ann, ben, guest] = await registerAll(app.origin, 'Ann', 'Ben', 'Gus')
  workspaceId = (await workspaceOf(ann, ben, [guest, 'guest'])).id
})
afterAll(() => app.stop())
afterEach(() => void vi.restoreAllMocks())

const connect = (user: TestUser) => connectChat(app.origin, user.accessToken)
const project = () => newProject(ann, workspaceId)
const everything = async (projectId: string): Promise<ChangedTask[]> =>
  (await ann.api.data('GET', `/projects/${projectId}/changes?since=0`)).changes

/** What a client heard of tasks, by event and number. */
const story = (chat: ChatClient) =>
  chat.heard
    .filter(({ event }) => event.startsWith('task:'))
    .map(({ event, data }) => `${event.slice('task:'.length)} ${data.seq}`)

/** What a client heard but for who is online. */
const news = (chat: ChatClient) => chat.heard.filter(({ event }) => !event.startsWith('presence:'))

/** A new member that no other test needs. */
async function newcomer(role = 'member') {
  const user = await register(app.origin, 'New')
  const invitation = { email: user.email, role }
  const { token } = await ann.api.data('POST', `/workspaces/${workspaceId}/invite`, invitation)
  await user.api.data('POST', '/invitations/accept', { token })
  return user
}

describe('a live board', () => {
  test('tells of each kind of change, with the task as it is and its number in the sequence', async () => {
    const { id: projectId } = await project()
    const chat = await connect(ben)
    expect(await chat.data('project:join', { projectId })).toEqual({ lastSeq: 0 })
    const task = await newTask(ann.api, projectId)
    const below = await newTask(ann.api, projectId, { parentTaskId: task.id })
    const renamed = await ann.api.data('PATCH', `/tasks/${task.id}`, { title: 'Renamed' })
    const moved = await ann.api.data('PATCH', `/tasks/${task.id}/status`, { status: 'done' })
    const assigned = await ann.api.data('PUT', `/tasks/${task.id}/assignees/${ben.id}`)
    await ann.api.data('DELETE', `/tasks/${task.id}`)
    await chat.next('task:deleted', ({ taskId }) => taskId === below.id)
    expect(chat.all('task:created')).toEqual([task, below])
    expect(chat.all('task:updated')).toEqual([renamed, assigned])
    expect(chat.all('task:moved')).toEqual([moved])
    expect(chat.all('task:deleted')).toEqual([
      { taskId: task.id, projectId, seq: 6 },
      { taskId: below.id, projectId, seq: 7 },
    ])
    expect(story(chat).map(line => Number(line.split(' ')[1]))).toEqual([1, 2, 3, 4, 5, 6, 7])
    chat.close()
  })

  test('is not heard any more by who has left it; leaving twice and joining twice are no errors', async () => {
    const { id: projectId } = await project()
    const chat = await connect(ben)
    expect(await chat.data('project:leave', { projectId })).toBeNull()
    await chat.data('project:join', { projectId })
    await newTask(ann.api, projectId)
    await chat.next('task:created')
    expect(await chat.data('project:join', { projectId, since: 1 })).toEqual({ lastSeq: 1, changes: [] })
    await newTask(ann.api, projectId)
    await chat.next('task:created', ({ seq }) => seq === 2)
    await chat.data('project:leave', { projectId })
    await chat.data('project:leave', { projectId })
    await newTask(ann.api, projectId)
    await chat.settled()
    expect(story(chat)).toEqual(['created 1', 'created 2'])
    chat.close()
  })

  test('an outsider and a guest who was not added cannot join', async () => {
    const { id: projectId } = await project()
    for (const user of [guest, await register(app.origin, 'Out')]) {
      const chat = await connect(user)
      const answer = await chat.ask('project:join', { projectId, since: 0 })
      expect(answer).toMatchObject({ ok: false, error: { code: 'PROJECT_NOT_FOUND' } })
      await newTask(ann.api, projectId)
      await chat.settled()
      expect(story(chat)).toEqual([])
      chat.close()
    }
  })
})

describe('coming back', () => {
  test('gives what changed since, deletions as tombstones without their texts', async () => {
    const { id: projectId } = await project()
    const [kept, gone] = [await newTask(ann.api, projectId), await newTask(ann.api, projectId)]
    await newTask(ann.api, projectId)
    await ann.api.data('PATCH', `/tasks/${kept.id}`, { title: 'Kept' })
    await ann.api.data('DELETE', `/tasks/${gone.id}`)
    const chat = await connect(ben)
    const { lastSeq, changes } = await chat.data('project:join', { projectId, since: 3 })
    expect(lastSeq).toBe(5)
    expect(changes).toMatchObject([
      { id: kept.id, seq: 4, title: 'Kept', deletedAt: null },
      { id: gone.id, seq: 5, title: '', description: '', deletedAt: expect.stringMatching(/Z$/) },
    ])
    await newTask(ann.api, projectId)
    await chat.next('task:created')
    expect(story(chat)).toEqual(['created 6'])
    chat.close()
  })

  test('from further than the project has come, or after more than 500 changes, is starting afresh', async () => {
    const { id: projectId } = await project()
    await newTask(ann.api, projectId)
    const chat = await connect(ben)
    expect(await chat.data('project:join', { projectId, since: 7 })).toEqual({ lastSeq: 1, reset: true })
    await copies(projectId, 500)
    expect(await chat.data('project:join', { projectId, since: 0 })).toEqual({ lastSeq: 501, reset: true })
    expect((await chat.data('project:join', { projectId, since: 1 })).changes).toHaveLength(500)
    chat.close()
  })
})

/** Stores further tasks, past the application: as if another node did. */
async function copies(projectId: string, count: number) {
  await app.container.resolve(Database).pool.query(
    `with stepped as (
      update projects set last_seq = last_seq + $2, last_task_number = last_task_number + $2
      where id = $1 returning last_seq - $2 as seq, last_task_number - $2 as number)
    insert into tasks (id, workspace_id, project_id, number, title, status, reporter_id, rank, seq)
    select gen_random_uuid(), $3, $1, stepped.number + n, 'Copy', 'backlog', $4, 'a' || lpad(n::text, 6, '0'), stepped.seq + n
    from stepped, generate_series(1, $2::int) n`,
    [projectId, count, workspaceId, ann.id],
  )
}

describe('what was committed but not told of', () => {
  /** Stores a task, and tells nobody. */
  const quietly = async (projectId: string) => {
    const draft = { path: 'body', fields: createTask.body.parse({ title: 'Quiet' }) }
    const lifetimes = app.container.resolve(TaskLifetimesRepository)
    return only(await lifetimes.create(ann.id, { workspaceId, projectId }, [draft]))
  }

  test('is delivered after a mere wake-up, as what it is to who has not heard of it', async () => {
    const { id: projectId } = await project()
    const old = await newTask(ann.api, projectId)
    const chat = await connect(ben)
    await chat.data('project:join', { projectId })
    const quiet = await quietly(projectId)
    const db = app.container.resolve(Database).pool
    // What the feeds would find out by themselves does not count.
    vi.spyOn(app.container.resolve(TasksRepository), 'standings').mockResolvedValue([])
    // Two changes of the new task, one of the old one, and one that is gone again.
    const passing = await quietly(projectId)
    await db.query(
      `update tasks set title = 'Changed', version = 2, seq = case id when $1 then 4 else 5 end where id in ($1, $2)`,
      [quiet.id, old.id],
    )
    await db.query(`update tasks set deleted_at = now(), version = 2, seq = 6 where id = $1`, [passing.id])
    await db.query('update projects set last_seq = 6 where id = $1', [projectId])
    app.container.resolve(Events).deliver('project.advanced', { workspaceId, projectId, lastSeq: 6 })
    await chat.next('task:deleted')
    expect(story(chat)).toEqual(['created 4', 'updated 5', 'deleted 6'])
    expect(chat.all('task:created')[0]).toMatchObject({ id: quiet.id, title: 'Changed' })
    expect(chat.all('task:created')[0]).not.toHaveProperty('deletedAt')
    chat.close()
  })

  test('and left no task behind holds up neither listeners nor joiners', async () => {
    const { id: projectId } = await project()
    const [listening, joining] = [await connect(ann), await connect(ben)]
    await newTask(ann.api, projectId)
    await listening.data('project:join', { projectId })
    await app.container
      .resolve(Database)
      .pool.query('update projects set last_seq = 4 where id = $1', [projectId])
    app.container.resolve(Events).deliver('project.advanced', { workspaceId, projectId, lastSeq: 4 })
    const joined = await joining.data('project:join', { projectId, since: 0 })
    expect([joined.lastSeq, joined.changes.length]).toEqual([4, 1])
    await newTask(ann.api, projectId)
    for (const chat of [listening, joining]) expect(await chat.next('task:created')).toMatchObject({ seq: 5 })
    listening.close()
    joining.close()
  })

  test('is found within seconds even without one', async () => {
    const { id: projectId } = await project()
    const chat = await connect(ben)
    await chat.data('project:join', { projectId })
    const { id } = await quietly(projectId)
    expect(await chat.next('task:created')).toMatchObject({ id, seq: 1 })
    chat.close()
  })

  test('of a channel is delivered after a mere wake-up, too', async () => {
    const place = { name: randomUUID(), type: 'public' }
    const { id: channelId } = await ann.api.data('POST', `/workspaces/${workspaceId}/channels`, place)
    const chat = await connect(ben)
    await chat.data('channel:join', { channelId })
    vi.spyOn(app.container.resolve(MessagesRepository), 'standings').mockResolvedValue([])
    const db = app.container.resolve(Database).pool
    await db.query(
      `insert into messages (id, channel_id, sender_id, content, mentions, position, seq)
      values (gen_random_uuid(), $1, $2, 'quiet', '{}', 1, 1)`,
      [channelId, ann.id],
    )
    await db.query('update channels set last_seq = 1 where id = $1', [channelId])
    app.container.resolve(Events).deliver('channel.advanced', { channelId, lastSeq: 1 })
    expect(await chat.next('message:new')).toMatchObject({ content: 'quiet', seq: 1 })
    chat.close()
  })
})

describe('a client’s own change', () => {
  test('comes back with the name that it gave itself, in every event of the write', async () => {
    const { id: projectId } = await project()
    const chat = await connect(ben)
    await chat.data('project:join', { projectId })
    const headers = { 'x-origin-id': 'tab-1' }
    const { body } = await ann.api.post(`/projects/${projectId}/tasks`, { title: 'Mine' }, { headers })
    const { id } = body.data
    await newTask(ann.api, projectId, { parentTaskId: id })
    await ann.api.patch(`/tasks/${id}`, { title: 'Ours' }, { headers })
    await ann.api.put(`/tasks/${id}/assignees/${ben.id}`, undefined, { headers })
    await ann.api.delete(`/tasks/${id}/assignees/${ben.id}`)
    await ann.api.patch(`/tasks/${id}/status`, { status: 'done' }, { headers })
    await ann.api.delete(`/tasks/${id}`, { headers })
    await chat.next('task:deleted', ({ seq }) => seq === 8)
    const origins = chat.heard.filter(({ event }) => event.startsWith('task:')).map(({ data }) => data.origin)
    expect(origins).toEqual(['tab-1', undefined, 'tab-1', 'tab-1', undefined, 'tab-1', 'tab-1', 'tab-1'])
    expect(body.data).not.toHaveProperty('origin')
    chat.close()
  })

  test.each([[''], ['x'.repeat(65)], ['two words'], ['t\u00e4b']])(
    'is refused with the name "%s"',
    async name => {
      const { id: projectId } = await project()
      const task = await newTask(ann.api, projectId)
      const headers = { 'x-origin-id': name }
      const answers = [
        await ann.api.post(`/projects/${projectId}/tasks`, { title: 'Mine' }, { headers }),
        await ann.api.patch(`/tasks/${task.id}`, { title: 'Mine' }, { headers }),
        await ann.api.patch(`/tasks/${task.id}/assignees`, { assigneeIds: [] }, { headers }),
        await ann.api.delete(`/tasks/${task.id}`, { headers }),
      ]
      for (const { status, body } of answers) {
        expect([status, body.errors?.[0]?.path]).toEqual([422, 'headers.x-origin-id'])
      }
      expect(await everything(projectId)).toHaveLength(1)
    },
  )
})

describe('losing access while listening', () => {
  interface Loss {
    role?: string
    lose(user: TestUser, projectId: string, place: string): Promise<unknown>
  }

  const losses: [string, Loss][] = [
    ['the project is deleted', { lose: (_, projectId) => ann.api.data('DELETE', `/projects/${projectId}`) }],
    [
      'a guest is taken out of the project',
      {
        role: 'guest',
        lose: (user, projectId) => ann.api.data('DELETE', `/projects/${projectId}/members/${user.id}`),
      },
    ],
    [
      'a member is removed from the workspace',
      { lose: (user, _, place) => ann.api.data('DELETE', `/workspaces/${place}/members/${user.id}`) },
    ],
    [
      'a member leaves the workspace',
      { lose: (user, _, place) => user.api.data('POST', `/workspaces/${place}/leave`) },
    ],
    [
      'a member is made a guest',
      {
        lose: (user, _, place) =>
          ann.api.data('PATCH', `/workspaces/${place}/members/${user.id}`, { role: 'guest' }),
      },
    ],
    ['the workspace is deleted', { lose: (_, __, place) => ann.api.data('DELETE', `/workspaces/${place}`) }],
  ]

  test.each(losses)('when %s, he is told, hears nothing more and cannot come back', async (_what, loss) => {
    const user = await register(app.origin, 'Loser')
    const { id: place } = await workspaceOf(ann, [user, loss.role ?? 'member'])
    const { id: projectId } = await newProject(ann, place)
    if (loss.role === 'guest') await ann.api.data('PUT', `/projects/${projectId}/members/${user.id}`)
    const [losing, watching] = [await connect(user), await connect(ann)]
    for (const chat of [losing, watching]) await chat.data('project:join', { projectId })
    const task = await newTask(ann.api, projectId)
    await losing.next('task:created')
    await loss.lose(user, projectId, place)
    expect(await losing.next('project:removed')).toEqual({ projectId })
    const before = news(losing).length
    const writing = await ann.api.patch(`/tasks/${task.id}`, { title: 'Among us' })
    if (writing.status === 200) await watching.next('task:updated')
    else expect(await watching.next('project:removed')).toEqual({ projectId })
    expect((await losing.ask('project:join', { projectId, since: 0 })).error.code).toBe('PROJECT_NOT_FOUND')
    expect((await user.api.get(`/projects/${projectId}/changes?since=0`)).status).toBe(404)
    expect(news(losing).slice(before)).toEqual([])
    losing.close()
    watching.close()
  })

  test('what the bus lost is found in the database, for channels, projects and workspaces', async () => {
    const user = await newcomer()
    const { id: projectId } = await project()
    const place = { name: randomUUID(), type: 'public' }
    const { id: channelId } = await ann.api.data('POST', `/workspaces/${workspaceId}/channels`, place)
    const [losing, staying] = [await connect(user), await connect(ben)]
    for (const chat of [losing, staying]) {
      await chat.data('project:join', { projectId })
      await chat.data('channel:join', { channelId })
    }
    await app.container
      .resolve(Database)
      .pool.query('delete from workspace_members where workspace_id = $1 and user_id = $2', [
        workspaceId,
        user.id,
      ])
    app.container.resolve(Events).deliver('bus.missed', { nodeId: undefined })
    expect(await losing.next('project:removed')).toEqual({ projectId })
    expect(await losing.next('channel:removed')).toEqual({ channelId })
    const before = losing.heard.length
    await newTask(ann.api, projectId)
    await staying.next('task:created')
    const other = await connect(ann)
    await losing.settled()
    expect(losing.heard.slice(before)).toEqual([])
    for (const chat of [losing, staying, other]) chat.close()
  })

  test('an addition that is told of late does not let in who has been removed since', async () => {
    const user = await newcomer()
    const chat = await connect(user)
    await ann.api.data('DELETE', `/workspaces/${workspaceId}/members/${user.id}`)
    await chat.settled()
    const before = chat.heard.length
    const events = app.container.resolve(Events)
    const asked = app.statements()
    events.deliver('member.added', { workspaceId, userId: user.id })
    while (app.statements() === asked) await chat.settled()
    const presence = { userId: randomUUID(), userName: 'Somebody', workspaceIds: [workspaceId] }
    await chat.ask('project:join', { projectId: randomUUID() })
    events.deliver('presence.online', presence)
    await chat.settled()
    expect(chat.heard.slice(before)).toEqual([])
    chat.close()
  })

  test('a removal that is told of late does not keep out who has been added since', async () => {
    const { id: projectId } = await project()
    const chat = await connect(ben)
    await chat.data('project:join', { projectId })
    const events = app.container.resolve(Events)
    events.deliver('member.removed', { workspaceId, userId: ben.id })
    await chat.ask('project:join', { projectId: randomUUID() })
    await newTask(ann.api, projectId)
    await chat.next('task:created')
    expect(chat.all('project:removed')).toEqual([])
    events.deliver('presence.online', { userId: randomUUID(), userName: 'Zoe', workspaceIds: [workspaceId] })
    await chat.next('presence:online', ({ userName }) => userName === 'Zoe')
    chat.close()
  })
})

describe('under many writers', () => {
  const statuses = ['backlog', 'todo', 'in_progress', 'done']
  const any = <T>(list: readonly T[]): T | undefined => list[Math.floor(Math.random() * list.length)]

  /** One change of any kind; what somebody else deleted meanwhile is no matter. */
  async function change(user: TestUser, projectId: string, ids: string[]) {
    const id = any(ids)
    const what = Math.random()
    if (id === undefined || what < 0.3) {
      const parentTaskId = what < 0.1 ? any(ids) : undefined
      const made = await user.api.post(`/projects/${projectId}/tasks`, { title: 'New', parentTaskId })
      if (made.status === 201) ids.push(made.body.data.id)
      return made.status
    }
    if (what < 0.5) return (await user.api.patch(`/tasks/${id}`, { title: randomUUID() })).status
    if (what < 0.7) return (await user.api.patch(`/tasks/${id}/status`, { status: any(statuses) })).status
    if (what < 0.8) return (await user.api.put(`/tasks/${id}/assignees/${ben.id}`)).status
    if (what < 0.9)
      return (await user.api.post(`/tasks/${id}/reorder`, { status: 'todo', before: any(ids) })).status
    return (await user.api.delete(`/tasks/${id}`)).status
  }

  test('whoever joins whenever, or comes back, has the board of the database in the end, each change once and in order', async () => {
    const { id: projectId } = await project()
    const ids: string[] = []
    let isWriting = true
    const writers = Promise.all(
      Array.from({ length: 6 }, async (_, n) => {
        for (let step = 0; step < 25; step++)
          expect(await change(n % 2 ? ann : ben, projectId, ids)).toBeLessThan(500)
      }),
    ).finally(() => (isWriting = false))
    const boards: Board[] = []
    const open = async () => {
      const board = new Board(await connect(ben), projectId)
      boards.push(board)
      await board.resume()
      return board
    }
    await open()
    const restless = await open()
    while (isWriting) {
      // Comes and goes, while others come and stay.
      await restless.leave()
      await newTask(ann.api, projectId)
      await restless.resume()
      if (boards.length < 6) await open()
    }
    await writers
    const { lastSeq } = await ann.api.data('GET', `/projects/${projectId}`)
    const truth = new Map((await everything(projectId)).map(task => [task.id, task]))
    const live = [...truth.values()].filter(({ deletedAt }) => deletedAt === null)
    expect(live.length).toBeGreaterThan(10)
    for (const board of boards) {
      await board.chat.until(() => board.seq === lastSeq || undefined, `change ${lastSeq}`)
      expect(board.disorder).toEqual([])
      expect([...board.tasks.keys()].sort()).toEqual(live.map(({ id }) => id).sort())
      for (const [id, { deletedAt: _, ...task }] of truth)
        if (board.tasks.has(id)) expect(board.tasks.get(id)).toEqual(task)
      board.chat.close()
    }
  }, 60_000)
})
