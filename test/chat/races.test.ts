import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { Access } from '../../src/access/access.js'
import { Events } from '../../src/events.js'
import { ChatSockets } from '../../src/modules/chat/chat-sockets.js'
import { room } from '../../src/modules/chat/rooms.js'
import { MessageBatch } from '../../src/modules/messages/message-batch.js'
import { MessagesRepository } from '../../src/modules/messages/messages.repository.js'
import { SendQueue } from '../../src/modules/messages/send-queue.js'
import { PresenceService } from '../../src/modules/presence/presence.service.js'
import { TasksRepository } from '../../src/modules/tasks/tasks.repository.js'
import { Api, channelIn, register, registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { type ChatClient, connectChat } from '../support/chat.js'
import { followed } from '../support/metrics.js'
import { newProject, newTask } from '../work/support.js'

// What happens between two steps of one thing: each step is held up here until the other thing has happened.

let app: TestApp
let ann: TestUser
let ben: TestUser
let workspaceId: string

beforeAll(async () => {
  app = await startApp()
  ;[ann, ben] = await registerAll(app.origin, 'Ann', 'Ben')
  workspaceId = (await workspaceOf(ann, ben)).id
})
afterAll(() => app.stop())
afterEach(() => void vi.restoreAllMocks())

const newChannel = (type = 'public') => channelIn(ann, workspaceId, type)
const post = (channelId: string, content: string) =>
  ann.api.data('POST', `/channels/${channelId}/messages`, { content })

/** Has somebody's access change each time that it is asked who belongs where, until the test calms it again. */
function restless() {
  const access = app.container.resolve(Access)
  const ask = access.workspacesOf.bind(access)
  return vi.spyOn(access, 'workspacesOf').mockImplementation(async userIds => {
    const found = await ask(userIds)
    app.container.resolve(Events).deliver('channel.updated', { workspaceId, channelId: randomUUID() })
    return found
  })
}

type Meanwhile = () => Promise<unknown>

/** Has a method's next call made by `run`. */
function held<T extends object>(
  owner: T,
  method: string & keyof T,
  run: (call: Meanwhile) => Promise<unknown>,
) {
  const original: unknown = owner[method]
  if (typeof original !== 'function') throw new Error(`${method} is no method`)
  const spy = vi.spyOn(owner, method as never)
  const once = (...args: unknown[]) => run(async () => original.apply(owner, args))
  spy.mockImplementationOnce(once as never)
}

/** Lets `meanwhile` happen right before a method's next call goes on. */
function holdingBefore<T extends object>(owner: T, method: string & keyof T, meanwhile: Meanwhile) {
  held(owner, method, async call => {
    await meanwhile()
    return call()
  })
}

/** Lets `meanwhile` happen right after a method's next call has its answer. */
function holdingAfter<T extends object>(owner: T, method: string & keyof T, meanwhile: Meanwhile) {
  held(owner, method, async call => {
    const answer = await call()
    await meanwhile()
    return answer
  })
}

describe('at the door', () => {
  test('a session that is revoked while its socket connects does not get in', async () => {
    const signed = await ann.api.data('POST', '/auth/login', { email: ann.email, password: 'correct horse' })
    const api = new Api(app.origin)
    holdingBefore(app.container.resolve(Access), 'workspacesOf', () =>
      api.data('POST', '/auth/logout', { refreshToken: signed.refreshToken }),
    )
    const chat = await connectChat(app.origin, signed.accessToken)
    await vi.waitFor(() => expect(chat.socket.connected).toBe(false), 5_000)
  })

  test('who could not be looked up is let in properly by the next try', async () => {
    const presence = app.container.resolve(PresenceService)
    const visitor = await register(app.origin, 'Vic')
    const { token } = await ann.api.data('POST', `/workspaces/${workspaceId}/invite`, {
      email: visitor.email,
      role: 'member',
    })
    await visitor.api.data('POST', '/invitations/accept', { token })
    vi.spyOn(app.container.resolve(Access), 'workspacesOf').mockRejectedValueOnce(new Error('away'))
    const chat = await connectChat(app.origin, visitor.accessToken)
    expect(chat.all('error')).toHaveLength(1)
    expect((await chat.ask('channel:sync', { channelId: randomUUID(), since: 0 })).error.code).toBe(
      'UNAUTHENTICATED',
    )
    await chat.data('auth', { token: visitor.accessToken })
    expect(presence.onlineIn(workspaceId).map(({ userId }) => userId)).toContain(visitor.id)
    chat.close()
  })

  test('who becomes a member while he connects is online there', async () => {
    const visitor = await register(app.origin, 'Vic')
    const { token } = await ann.api.data('POST', `/workspaces/${workspaceId}/invite`, {
      email: visitor.email,
      role: 'member',
    })
    const presence = app.container.resolve(PresenceService)
    holdingAfter(app.container.resolve(Access), 'workspacesOf', () =>
      visitor.api.data('POST', '/invitations/accept', { token }),
    )
    const chat = await connectChat(app.origin, visitor.accessToken)
    expect(presence.onlineIn(workspaceId).map(({ userId }) => userId)).toContain(visitor.id)
    chat.close()
  })
})

describe('while access changes again and again', () => {
  const inWorkspace = (chat: ChatClient) =>
    app.container
      .resolve(ChatSockets)
      .local(room.workspace(workspaceId))
      .some(({ id }) => id === chat.socket.id)

  test('nobody gets in, but is told to try again; and then he does', async () => {
    const asked = restless()
    const chat = await connectChat(app.origin, ben.accessToken)
    expect(chat.all('error')).toEqual([
      expect.objectContaining({ code: 'ACCESS_CHANGING', retryAfterMs: 1_000 }),
    ])
    expect(inWorkspace(chat)).toBe(false)
    asked.mockRestore()
    await chat.data('auth', { token: ben.accessToken })
    expect(inWorkspace(chat)).toBe(true)
    chat.close()
  })

  test('nobody stays where he does not belong any more, and who does belong is back once it is calm', async () => {
    const visitor = await register(app.origin, 'Vic')
    const elsewhere = await workspaceOf(ann, visitor)
    const chats = [
      await connectChat(app.origin, ben.accessToken),
      await connectChat(app.origin, visitor.accessToken),
    ] as const
    const asked = restless()
    const [events, sockets] = [app.container.resolve(Events), app.container.resolve(ChatSockets)]
    const staying = () => sockets.local(room.workspace(elsewhere.id)).length
    expect(staying()).toBe(1)
    await app.database.pool.query('delete from workspace_members where workspace_id = $1 and user_id = $2', [
      elsewhere.id,
      visitor.id,
    ])
    // One who was not removed, and a look round that finds the one who was.
    events.deliver('member.removed', { workspaceId, userId: ben.id })
    expect(inWorkspace(chats[0])).toBe(false)
    await expect.poll(staying, { timeout: 5_000 }).toBe(0)
    expect(inWorkspace(chats[0])).toBe(false)
    asked.mockRestore()
    await expect.poll(() => inWorkspace(chats[0]), { timeout: 5_000 }).toBe(true)
    for (const chat of chats) chat.close()
  })
})

describe('joining', () => {
  test('who joins while the last listener leaves hears what comes', async () => {
    const channelId = await newChannel()
    const [leaving, joining] = [
      await connectChat(app.origin, ann.accessToken),
      await connectChat(app.origin, ben.accessToken),
    ]
    await leaving.data('channel:join', { channelId })
    holdingAfter(app.container.resolve(MessagesRepository), 'changes', () =>
      leaving.data('channel:leave', { channelId }),
    )
    await joining.data('channel:join', { channelId, since: 0 })
    await post(channelId, 'hello')
    expect(await joining.next('message:new')).toMatchObject({ content: 'hello', seq: 1 })
    leaving.close()
    joining.close()
  })

  test('more changes than one answer holds, just while somebody joins, make him start afresh', async () => {
    const channelId = await newChannel()
    const [sender, joining] = [
      await connectChat(app.origin, ann.accessToken),
      await connectChat(app.origin, ben.accessToken),
    ]
    await sender.data('channel:join', { channelId })
    holdingAfter(app.container.resolve(MessagesRepository), 'changes', () =>
      Promise.all(
        Array.from({ length: 510 }, () => sender.data('message:send', { channelId, content: 'x' })),
      ),
    )
    expect(await joining.data('channel:join', { channelId, since: 0 })).toMatchObject({
      lastSeq: 510,
      reset: true,
    })
    await post(channelId, 'after')
    expect(await joining.next('message:new')).toMatchObject({ seq: 511 })
    expect(joining.all('message:new')).toHaveLength(1)
    sender.close()
    joining.close()
  })

  test('a join that fails leaves nothing behind', async () => {
    const channelId = await newChannel()
    await expect.poll(() => followed(app, 'channel'), { timeout: 5_000 }).toBe(0)
    const chat = await connectChat(app.origin, ben.accessToken)
    vi.spyOn(app.container.resolve(MessagesRepository), 'changes').mockRejectedValueOnce(new Error('away'))
    expect(await chat.ask('channel:join', { channelId, since: 0 })).toMatchObject({ ok: false })
    expect(await chat.ask('channel:join', { channelId: randomUUID() })).toMatchObject({ ok: false })
    expect(await followed(app, 'channel')).toBe(0)
    await chat.data('channel:join', { channelId })
    expect(await followed(app, 'channel')).toBe(1)
    chat.close()
    await expect.poll(() => followed(app, 'channel'), { timeout: 5_000 }).toBe(0)
  })

  test('who loses his place while he joins is not in the room', async () => {
    const channelId = await newChannel('private')
    await ann.api.data('POST', `/channels/${channelId}/members`, { userId: ben.id })
    const chat = await connectChat(app.origin, ben.accessToken)
    holdingAfter(app.container.resolve(MessagesRepository), 'changes', () =>
      ann.api.data('DELETE', `/channels/${channelId}/members/${ben.id}`),
    )
    await chat.ask('channel:join', { channelId, since: 0 })
    await chat.next('channel:removed')
    await post(channelId, 'without him')
    await chat.ask('channel:leave', { channelId })
    expect(chat.all('message:new')).toEqual([])
    chat.close()
  })

  test('while access cannot be checked nobody keeps listening on trust', async () => {
    const channelId = await newChannel('private')
    await ann.api.data('POST', `/channels/${channelId}/members`, { userId: ben.id })
    const chat = await connectChat(app.origin, ben.accessToken)
    await chat.data('channel:join', { channelId })
    vi.spyOn(app.container.resolve(Access), 'channelReaders').mockRejectedValueOnce(new Error('away'))
    await ann.api.data('DELETE', `/channels/${channelId}/members/${ben.id}`)
    expect(await chat.next('channel:removed')).toEqual({ channelId })
    await post(channelId, 'secret')
    await chat.ask('channel:leave', { channelId })
    expect(chat.all('message:new')).toEqual([])
    chat.close()
  })
})

describe('joining a board', () => {
  const newBoard = (workspace = workspaceId) => newProject(ann, workspace)

  test('who joins while the last listener leaves hears what comes', async () => {
    const { id: projectId } = await newBoard()
    const [leaving, joining] = [
      await connectChat(app.origin, ann.accessToken),
      await connectChat(app.origin, ben.accessToken),
    ]
    await leaving.data('project:join', { projectId })
    holdingAfter(app.container.resolve(TasksRepository), 'changes', () =>
      leaving.data('project:leave', { projectId }),
    )
    await joining.data('project:join', { projectId, since: 0 })
    await newTask(ann.api, projectId)
    expect(await joining.next('task:created')).toMatchObject({ seq: 1 })
    leaving.close()
    joining.close()
  })

  test('what changes between the reading and the entering is in the answer', async () => {
    const { id: projectId } = await newBoard()
    const [listening, joining] = [
      await connectChat(app.origin, ann.accessToken),
      await connectChat(app.origin, ben.accessToken),
    ]
    await listening.data('project:join', { projectId })
    const task = await newTask(ann.api, projectId)
    holdingAfter(app.container.resolve(TasksRepository), 'changes', async () => {
      await newTask(ann.api, projectId)
      await ann.api.data('PATCH', `/tasks/${task.id}`, { title: 'Changed' })
      await listening.next('task:updated')
    })
    const { lastSeq, changes } = await joining.data('project:join', { projectId, since: 0 })
    expect([lastSeq, changes.map(({ seq }: { seq: number }) => seq)]).toEqual([3, [2, 3]])
    await newTask(ann.api, projectId)
    expect(await joining.next('task:created')).toMatchObject({ seq: 4 })
    expect(joining.all('task:updated')).toEqual([])
    listening.close()
    joining.close()
  })

  test('a join that fails leaves nothing behind, nor does a leave', async () => {
    const { id: projectId } = await newBoard()
    await expect.poll(() => followed(app, 'project'), { timeout: 5_000 }).toBe(0)
    const chat = await connectChat(app.origin, ben.accessToken)
    vi.spyOn(app.container.resolve(TasksRepository), 'changes').mockRejectedValueOnce(new Error('away'))
    expect(await chat.ask('project:join', { projectId, since: 0 })).toMatchObject({ ok: false })
    expect(await chat.ask('project:join', { projectId: randomUUID() })).toMatchObject({ ok: false })
    expect(await followed(app, 'project')).toBe(0)
    await chat.data('project:join', { projectId })
    expect(await followed(app, 'project')).toBe(1)
    await chat.data('project:leave', { projectId })
    expect(await followed(app, 'project')).toBe(0)
    chat.close()
  })

  test('who loses his place while he joins is not in the room', async () => {
    const visitor = await register(app.origin, 'Vic')
    const place = await workspaceOf(ann, [visitor, 'guest'])
    const { id: projectId } = await newBoard(place.id)
    await ann.api.data('PUT', `/projects/${projectId}/members/${visitor.id}`)
    const chat = await connectChat(app.origin, visitor.accessToken)
    holdingAfter(app.container.resolve(TasksRepository), 'changes', () =>
      ann.api.data('DELETE', `/projects/${projectId}/members/${visitor.id}`),
    )
    await chat.ask('project:join', { projectId, since: 0 })
    expect(await chat.next('project:removed')).toEqual({ projectId })
    await newTask(ann.api, projectId)
    await chat.ask('project:leave', { projectId })
    expect(chat.all('task:created')).toEqual([])
    chat.close()
  })

  test('while access cannot be checked nobody keeps listening on trust', async () => {
    const visitor = await register(app.origin, 'Vic')
    const place = await workspaceOf(ann, visitor)
    const { id: projectId } = await newBoard(place.id)
    const chat = await connectChat(app.origin, visitor.accessToken)
    await chat.data('project:join', { projectId })
    vi.spyOn(app.container.resolve(Access), 'projectViewers').mockRejectedValueOnce(new Error('away'))
    await ann.api.data('PATCH', `/workspaces/${place.id}/members/${visitor.id}`, { role: 'admin' })
    expect(await chat.next('project:removed')).toEqual({ projectId })
    await newTask(ann.api, projectId)
    await chat.data('project:join', { projectId })
    expect(chat.all('task:created')).toEqual([])
    chat.close()
  })
})

describe('after a loss of events', () => {
  test('nobody is taken out while the database cannot be asked, and whoever lost access is once it can', async () => {
    const visitor = await register(app.origin, 'Vic')
    const place = await workspaceOf(ann, visitor)
    const { id: projectId } = await newProject(ann, place.id)
    const [leaving, staying] = [
      await connectChat(app.origin, visitor.accessToken),
      await connectChat(app.origin, ann.accessToken),
    ]
    for (const chat of [leaving, staying]) await chat.data('project:join', { projectId })
    const values = [place.id, visitor.id]
    await app.database.pool.query(
      'delete from workspace_members where workspace_id = $1 and user_id = $2',
      values,
    )
    const asked = vi.spyOn(app.container.resolve(Access), 'projectViewers')
    asked.mockRejectedValueOnce(new Error('away'))
    app.container.resolve(Events).deliver('bus.missed', { nodeId: undefined })
    await vi.waitFor(() => expect(asked).toHaveBeenCalled())
    await staying.ask('project:leave', { projectId: randomUUID() })
    expect([...leaving.all('project:removed'), ...staying.all('project:removed')]).toEqual([])
    expect(await leaving.next('project:removed')).toEqual({ projectId })
    await newTask(ann.api, projectId)
    await staying.next('task:created')
    expect(leaving.all('task:created')).toEqual([])
    leaving.close()
    staying.close()
  })
})

describe('a look round', () => {
  test('is over for all who asked for it only when everybody was looked at', async () => {
    const chat = await connectChat(app.origin, ben.accessToken)
    const events = app.container.resolve(Events)
    const access = app.container.resolve(Access)
    const ask = access.workspacesOf.bind(access)
    let looks = 0
    vi.spyOn(access, 'workspacesOf').mockImplementation(async userIds => {
      const found = await ask(userIds)
      looks += 1
      return found
    })
    events.deliver('access.doubted', {})
    await events.deliverAndWait('access.doubted', {})
    // The first may have been too early for what the second one asked for.
    expect(looks).toBeGreaterThanOrEqual(2)
    chat.close()
  })

  test('asks the database nothing where nobody is connected', async () => {
    const quiet = await startApp()
    await quiet.quiet()
    const before = quiet.statements()
    await quiet.container.resolve(Events).deliverAndWait('access.doubted', {})
    expect(quiet.statements()).toBe(before)
    await quiet.stop()
  })
})

describe('answering', () => {
  test('the answer of a join comes before the live messages that follow it', async () => {
    const channelId = await newChannel()
    const sender = await connectChat(app.origin, ann.accessToken)
    for (let n = 0; n < 20; n++) {
      const joining = await connectChat(app.origin, ben.accessToken)
      const burst = Promise.all(
        [1, 2, 3, 4, 5].map(() => sender.data('message:send', { channelId, content: 'x' })),
      )
      let heardBefore: number | undefined
      const { lastSeq } = await new Promise<{ lastSeq: number }>(resolve => {
        joining.socket.emit(
          'channel:join',
          { channelId, since: 0 },
          (answer: { data: { lastSeq: number } }) => {
            heardBefore = joining.all('message:new').length
            resolve(answer.data)
          },
        )
      })
      await burst
      expect(heardBefore).toBe(0)
      await joining.until(
        () => lastSeq === 5 * (n + 1) || joining.all('message:new').at(-1)?.seq === 5 * (n + 1) || undefined,
      )
      expect(joining.all('message:new').map(({ seq }) => seq)).toEqual(
        Array.from({ length: 5 * (n + 1) - lastSeq }, (_, k) => lastSeq + 1 + k),
      )
      joining.close()
    }
    sender.close()
  })

  test('a sender who does not listen to the channel hears his own message, once', async () => {
    const channelId = await newChannel()
    const chat = await connectChat(app.origin, ann.accessToken)
    const id = randomUUID()
    const sent = await chat.data('message:send', { channelId, content: 'echo', id })
    await chat.data('message:send', { channelId, content: 'echo', id })
    expect(chat.all('message:new')).toEqual([sent])
    chat.close()
  })

  test('a second after a logout nothing more is stored of what was sent before it', async () => {
    const channelId = await newChannel()
    const signed = await ann.api.data('POST', '/auth/login', { email: ann.email, password: 'correct horse' })
    const chat = await connectChat(app.origin, signed.accessToken)
    const content = 'x'.repeat(20_000)
    for (let n = 0; n < 900; n++) chat.socket.emit('message:send', { channelId, content })
    await new Promise(resolve => setTimeout(resolve, 100))
    await new Api(app.origin).data('POST', '/auth/logout', { refreshToken: signed.refreshToken })
    await new Promise(resolve => setTimeout(resolve, 1_000))
    const { lastSeq } = await ann.api.data('GET', `/channels/${channelId}`)
    await new Promise(resolve => setTimeout(resolve, 1_000))
    expect((await ann.api.data('GET', `/channels/${channelId}`)).lastSeq).toBe(lastSeq)
    expect(lastSeq).toBeLessThan(900)
  })
})

describe('typing', () => {
  test('goes on while another tab of the same person types, and ends when he is taken out', async () => {
    const channelId = await newChannel('private')
    await ann.api.data('POST', `/channels/${channelId}/members`, { userId: ben.id })
    const watcher = await connectChat(app.origin, ann.accessToken)
    const tabs = [
      await connectChat(app.origin, ben.accessToken),
      await connectChat(app.origin, ben.accessToken),
    ]
    for (const chat of [watcher, ...tabs]) await chat.data('channel:join', { channelId })
    for (const tab of tabs) await tab.data('channel:typing', { channelId })
    await tabs[0]?.data('channel:stop_typing', { channelId })
    await watcher.ask('channel:sync', { channelId, since: 0 })
    expect(watcher.all('channel:stop_typing')).toEqual([])
    await ann.api.data('DELETE', `/channels/${channelId}/members/${ben.id}`)
    expect(await watcher.next('channel:stop_typing')).toMatchObject({ userId: ben.id })
    for (const chat of [watcher, ...tabs]) chat.close()
  })
})

describe('storing', () => {
  test('a message that was committed but not told of is heard within seconds', async () => {
    const channelId = await newChannel()
    const chat = await connectChat(app.origin, ben.accessToken)
    await chat.data('channel:join', { channelId })
    const draft = {
      id: randomUUID(),
      channelId,
      senderId: ann.id,
      sessionId: undefined,
      content: 'silent',
      parentId: null,
    }
    await app.container.resolve(MessageBatch).store([draft], 'wait')
    expect(await chat.next('message:new')).toMatchObject({ messageId: draft.id, content: 'silent' })
    chat.close()
  })

  test('when the database is away a batch fails as a whole, at once', async () => {
    const store = vi
      .spyOn(app.container.resolve(MessageBatch), 'store')
      .mockRejectedValue(new Error('Connection terminated'))
    const queue = app.container.resolve(SendQueue)
    const draft = {
      channelId: randomUUID(),
      senderId: ann.id,
      sessionId: undefined,
      content: 'x',
      parentId: null,
    }
    const sends = Array.from({ length: 50 }, () => queue.push({ ...draft, id: randomUUID() }))
    const outcomes = await Promise.allSettled(sends)
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
    expect(store).toHaveBeenCalledTimes(1)
  })

  test('no more sends wait than could be stored in a moment', async () => {
    let go = () => {}
    const held = new Promise<void>(resolve => (go = resolve))
    const batch = app.container.resolve(MessageBatch)
    vi.spyOn(batch, 'store').mockImplementation(async drafts => {
      await held
      return drafts.map(() => ({ kind: 'known' as const }))
    })
    const queue = app.container.resolve(SendQueue)
    const draft = {
      channelId: randomUUID(),
      senderId: ann.id,
      sessionId: undefined,
      content: 'x',
      parentId: null,
    }
    const sends = Array.from({ length: 12_000 }, () => queue.push({ ...draft, id: randomUUID() }))
    await expect(sends.at(-1)).rejects.toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 1_000 })
    go()
    const outcomes = await Promise.allSettled(sends)
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThanOrEqual(10_000)
  })

  test('a send that waited for a channel to be closed to its sender is not stored', async () => {
    const channelId = await newChannel()
    const holder = await app.database.pool.connect()
    await holder.query('begin')
    await holder.query(`update channels set type = 'private' where id = $1`, [channelId])
    const sending = ben.api.post(`/channels/${channelId}/messages`, { content: 'just in time?' })
    await new Promise(resolve => setTimeout(resolve, 100))
    await holder.query('commit')
    holder.release()
    expect((await sending).status).toBe(404)
  })

  test('new members and messages do not wait for each other in a circle', async () => {
    const channels = await Promise.all(Array.from({ length: 5 }, () => newChannel()))
    const chat = await connectChat(app.origin, ann.accessToken)
    const joining = Promise.all(
      Array.from({ length: 8 }, async () => {
        const visitor = await register(app.origin, 'Vic')
        const { token } = await ann.api.data('POST', `/workspaces/${workspaceId}/invite`, {
          email: visitor.email,
          role: 'member',
        })
        return visitor.api.post('/invitations/accept', { token })
      }),
    )
    let isJoining = true
    void joining.finally(() => (isJoining = false))
    let sent = 0
    while (isJoining) {
      await Promise.all(
        channels.map(channelId => chat.data('message:send', { channelId, content: String(sent++) })),
      )
    }
    expect((await joining).every(({ status }) => status < 300)).toBe(true)
    chat.close()
  })
})

describe('keeping somebody in charge', () => {
  test('who makes a channel private manages it', async () => {
    const admin = await register(app.origin, 'Ada')
    const { token } = await ann.api.data('POST', `/workspaces/${workspaceId}/invite`, {
      email: admin.email,
      role: 'admin',
    })
    await admin.api.data('POST', '/invitations/accept', { token })
    const channelId = await newChannel()
    await admin.api.data('POST', `/channels/${channelId}/members`, { userId: admin.id })
    const changed = await admin.api.data('PATCH', `/channels/${channelId}`, { type: 'private' })
    expect(changed.channelRole).toBe('admin')
  })

  test('the last member cannot leave a private channel, and the last admin hands it on', async () => {
    const channelId = await newChannel('private')
    const leave = (user: TestUser) => user.api.delete(`/channels/${channelId}/members/${user.id}`)
    expect((await leave(ann)).body.code).toBe('LAST_CHANNEL_MEMBER')
    await ann.api.data('POST', `/channels/${channelId}/members`, { userId: ben.id })
    expect((await leave(ann)).status).toBe(204)
    expect((await ben.api.data('GET', `/channels/${channelId}`)).channelRole).toBe('admin')
  })
})

test('names and dots without end in a message cost no time to speak of', async () => {
  const channelId = await newChannel()
  const started = performance.now()
  await post(channelId, `@a${'.'.repeat(39_000)}b`)
  await post(channelId, '@a.'.repeat(13_000))
  expect(performance.now() - started).toBeLessThan(500)
})

test('a catch-up that would be too large for a frame is to start afresh', async () => {
  const channelId = await newChannel()
  for (let n = 0; n < 60; n++) await post(channelId, '€'.repeat(40_000))
  const chat = await connectChat(app.origin, ben.accessToken)
  expect(await chat.data('channel:join', { channelId, since: 0 })).toMatchObject({ lastSeq: 60, reset: true })
  expect((await chat.data('channel:sync', { channelId, since: 40 })).changes).toHaveLength(20)
  chat.close()
})
