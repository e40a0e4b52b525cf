import { randomUUID } from 'node:crypto'
import { EventSource } from 'eventsource'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { PresenceService } from '../src/modules/presence/presence.service.js'
import { register, type TestUser } from './support/api.js'
import { startApp, type TestApp } from './support/app.js'
import { type ChatClient, connectChat } from './support/chat.js'

// The main job from end to end, as its users do it: sign up, make a place to work, create and page
// tasks, chat with presence and typing, and watch the numbers move.

describe.each(['postgres', 'embedded'] as const)('on %s', kind => {
  let app: TestApp
  let ann: TestUser
  let ben: TestUser
  let workspaceId: string
  let projectId: string
  let channelId: string

  beforeAll(async () => {
    app = await startApp({ on: kind })
  })
  afterAll(() => app.stop())

  test('two people sign up, and one brings the other into a workspace', async () => {
    ann = await register(app.origin, 'Ann')
    ben = await register(app.origin, 'Ben')
    const made = await ann.api.post('/workspaces', { name: 'Journey' })
    expect(made.status).toBe(201)
    expect(made.headers.get('location')).toBe(`/api/v1/workspaces/${made.body.data.id}`)
    workspaceId = made.body.data.id
    expect((await ben.api.get(`/workspaces/${workspaceId}`)).body.code).toBe('WORKSPACE_NOT_FOUND')
    const invited = await ann.api.post(`/workspaces/${workspaceId}/invite`, {
      email: ben.email,
      role: 'member',
    })
    expect(invited.status).toBe(201)
    const accepted = await ben.api.post('/invitations/accept', { token: invited.body.data.token })
    expect(accepted.status).toBeLessThan(300)
    const members = await ben.api.data('GET', `/workspaces/${workspaceId}/members`)
    expect(members).toHaveLength(2)
  })

  test('a project, its board and its tasks', async () => {
    const project = await ann.api.data('POST', `/workspaces/${workspaceId}/projects`, {
      name: 'Engine',
      key: 'ENG',
    })
    projectId = project.id
    const tasks = []
    for (let n = 1; n <= 7; n++) {
      const path = `/projects/${projectId}/tasks`
      tasks.push(await ben.api.data('POST', path, { title: `Task ${n}`, priority: n % 2 ? 'high' : 'low' }))
    }
    expect(tasks.map(({ key }) => key)).toEqual([1, 2, 3, 4, 5, 6, 7].map(n => `ENG-${n}`))
    await ann.api.data('PATCH', `/tasks/${tasks[0].id}/status`, { status: 'done' })
    await ann.api.data('PATCH', `/tasks/${tasks[1].id}/assignees`, { assigneeIds: [ben.id] })
    await ann.api.data('POST', `/tasks/${tasks[6].id}/reorder`, { before: tasks[2].id })

    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const page = await ben.api.get(`/projects/${projectId}/tasks?limit=3${cursor && `&cursor=${cursor}`}`)
      seen.push(...page.body.data.map((task: { id: string }) => task.id))
      cursor = page.body.meta.nextCursor
    }
    expect(new Set(seen)).toEqual(new Set(tasks.map(({ id }) => id)))
    expect(seen).toHaveLength(7)
    const mine = await ben.api.data('GET', `/projects/${projectId}/tasks?assigneeId=me`)
    expect(mine.map(({ key }: { key: string }) => key)).toEqual(['ENG-2'])
    expect((await ann.api.get(`/projects/${projectId}/board`)).status).toBe(200)
  })

  test.each(['websocket', 'polling'])(
    'chat over %s, with presence, typing, a lost connection and reading',
    async transport => {
      const general = { name: `general ${randomUUID()}`, type: 'public' }
      channelId = (await ann.api.data('POST', `/workspaces/${workspaceId}/channels`, general)).id
      const connect = (user: TestUser) =>
        connectChat(app.origin, user.accessToken, { transports: [transport] })
      const annsChat = await connect(ann)
      const bensChat = await connect(ben)
      expect(await annsChat.next('presence:online', ({ userId }) => userId === ben.id)).toMatchObject({
        userName: 'Ben Person',
      })
      await annsChat.data('channel:join', { channelId })
      await bensChat.data('channel:join', { channelId })

      await bensChat.data('channel:typing', { channelId })
      expect(await annsChat.next('channel:typing')).toMatchObject({ channelId, userId: ben.id })
      const sent = await bensChat.data('message:send', { channelId, content: `Hi @${ann.user.username}` })
      expect(await annsChat.next('message:new')).toEqual(sent)
      expect(await bensChat.next('message:new')).toEqual(sent)
      expect(sent.mentions).toEqual([ann.id])

      bensChat.close()
      await ann.api.data('POST', `/channels/${channelId}/messages`, { content: 'Are you there?' })
      await annsChat.data('message:edit', {
        messageId: (await lastMessage()).messageId,
        content: 'Are you back?',
      })
      const again = await connect(ben)
      const { changes, lastSeq, online } = await again.data('channel:join', { channelId, since: sent.seq })
      expect(changes).toMatchObject([{ content: 'Are you back?', isEdited: true }])
      expect(lastSeq).toBe(sent.seq + 2)
      expect(new Set(online)).toEqual(new Set([ann.id, ben.id]))
      expect(await again.data('channel:read', { channelId, seq: lastSeq })).toMatchObject({ unread: 0 })
      expect(annsChat.all('presence:offline')).toEqual([])

      again.close()
      await offline(annsChat, ben.id)
      annsChat.close()
    },
  )

  test('a dashboard watches the numbers move through an EventSource with a ticket', async () => {
    await everybodyOffline()
    const path = `/workspaces/${workspaceId}/stats/live`
    const { ticket } = await ann.api.data('POST', '/auth/stream-tickets', { path })
    const source = new EventSource(`${app.origin}/api/v1${path}?ticket=${encodeURIComponent(ticket)}`)
    const heard: Record<string, number>[] = []
    source.addEventListener('stats:update', event => heard.push(JSON.parse(event.data)))
    await vi.waitFor(() => expect(heard.length).toBeGreaterThan(0), 10_000)
    expect(heard[0]).toMatchObject({
      memberCount: 2,
      projectCount: 1,
      taskCount: 7,
      openTasks: 6,
      completedTasks: 1,
      channelCount: 2,
      onlineUsersCount: 0,
    })
    await ann.api.data('POST', `/projects/${projectId}/tasks`, { title: 'One more' })
    await vi.waitFor(() => expect(heard.at(-1)).toMatchObject({ taskCount: 8, openTasks: 7 }), 10_000)
    const chat = await connectChat(app.origin, ben.accessToken)
    await vi.waitFor(() => expect(heard.at(-1)).toMatchObject({ onlineUsersCount: 1 }), 10_000)
    chat.close()
    source.close()

    const stats = await ann.api.data('GET', `/projects/${projectId}/stats`)
    expect(stats).toMatchObject({ totalTasks: 8, completionRate: 13, tasksByStatus: { done: 1 } })
  })

  const lastMessage = async () => (await ann.api.data('GET', `/channels/${channelId}/messages?limit=1`))[0]

  const everybodyOffline = () =>
    vi.waitFor(() => {
      const presence = app.container.resolve(PresenceService)
      presence.sweep(Date.now() + 60_000)
      expect(presence.onlineCount(workspaceId)).toBe(0)
    }, 10_000)

  /** Somebody has closed his last tab, and the grace time is over. */
  const offline = (watcher: ChatClient, userId: string) =>
    vi.waitFor(() => {
      app.container.resolve(PresenceService).sweep(Date.now() + 60_000)
      expect(watcher.all('presence:offline')).toEqual([{ userId }])
    }, 10_000)
})
