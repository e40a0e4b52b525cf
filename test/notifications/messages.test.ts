import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { rows } from '../work/support.js'
import { catchUp, notificationsOf } from './support.js'

describe.each(['postgres', 'embedded'] as const)('what is said, on %s,', on => {
  let app: TestApp
  let ann: TestUser
  let ben: TestUser
  let cat: TestUser
  let workspaceId: string
  let channelId: string

  beforeAll(async () => {
    app = await startApp({ on })
    ;[ann, ben, cat] = await registerAll(app.origin, 'Ann', 'Ben', 'Cat')
    workspaceId = (await workspaceOf(ann, ben, cat)).id
  })
  afterAll(() => app.stop())
  beforeEach(async () => {
    await catchUp(app)
    for (const { api } of [ann, ben, cat]) await api.data('POST', '/notifications/read-all')
    channelId = await open('public')
  })

  async function open(type: 'public' | 'private'): Promise<string> {
    const path = `/workspaces/${workspaceId}/channels`
    return (await ann.api.data('POST', path, { name: randomUUID(), type })).id
  }
  const say = ({ api }: TestUser, content: string, parentId?: string): Promise<{ messageId: string }> =>
    api.data('POST', `/channels/${channelId}/messages`, { content, ...(parentId && { parentId }) })
  const at = ({ user }: TestUser) => `@${user.username}`
  const listen = ({ api }: TestUser, level: string) =>
    api.data('PUT', `/channels/${channelId}/notifications`, { level })
  const unreadOf = async (user: TestUser) =>
    (await notificationsOf(user)).filter(({ readAt }) => readAt === null)
  async function told(...users: TestUser[]) {
    await catchUp(app)
    return Promise.all(users.map(async user => (await unreadOf(user)).map(({ type }) => type)))
  }

  test('is told to who is mentioned, and not to who mentions himself', async () => {
    const { messageId } = await say(ann, `hello ${at(ben)} from ${at(ann)}`)
    expect(await told(ann, ben, cat)).toEqual([[], ['message.mentioned'], []])
    const channel = await ann.api.data('GET', `/channels/${channelId}`)
    expect((await unreadOf(ben))[0]).toMatchObject({
      workspaceId,
      channelId,
      messageId,
      taskId: null,
      actor: { id: ann.id },
      data: { channelName: channel.name },
    })
  })

  test('is told once, however often it is edited, and to who is mentioned by an edit', async () => {
    const { messageId } = await say(ann, `hello ${at(ben)}`)
    await catchUp(app)
    await ann.api.data('PATCH', `/messages/${messageId}`, { content: `hello ${at(ben)} and ${at(cat)}` })
    expect(await told(ben, cat)).toEqual([['message.mentioned'], ['message.mentioned']])
  })

  test('is not told where it was deleted, or the name taken out, before anybody looked', async () => {
    const first = await say(ann, at(ben))
    const second = await say(ann, at(ben))
    await ann.api.data('DELETE', `/messages/${first.messageId}`)
    await ann.api.data('PATCH', `/messages/${second.messageId}`, { content: 'nobody' })
    expect(await told(ben)).toEqual([[]])
  })

  test('is told to those who wrote in the thread before', async () => {
    const root = await say(ann, 'a question')
    await say(ben, 'an answer', root.messageId)
    expect(await told(ann, ben, cat)).toEqual([['message.replied'], [], []])
    const reply = await say(cat, `another, ${at(ben)}`, root.messageId)
    expect(await told(ann, ben, cat)).toEqual([
      ['message.replied', 'message.replied'],
      ['message.mentioned'],
      [],
    ])
    expect((await unreadOf(ann))[1]).toMatchObject({
      messageId: reply.messageId,
      data: { parentId: root.messageId },
    })
    expect(await rows(app, 'select * from untold_replies')).toEqual([])
  })

  test('is told to who wants to hear everything, from then on, and once', async () => {
    await say(ann, 'before')
    expect(await listen(ben, 'all')).toEqual({ level: 'all' })
    await say(ann, 'after')
    await say(cat, `${at(ben)} after`)
    await say(ben, 'by himself')
    expect(await told(ben)).toEqual([['message.sent', 'message.mentioned']])
    const { messageId } = await say(ann, 'more')
    expect(await told(ben)).toEqual([['message.sent', 'message.mentioned', 'message.sent']])
    // To say so again changes nothing, nor does an edit.
    await listen(ben, 'all')
    await ann.api.data('PATCH', `/messages/${messageId}`, { content: `more, ${at(cat)}` })
    expect(await told(ben, cat)).toEqual([
      ['message.sent', 'message.mentioned', 'message.sent'],
      ['message.mentioned'],
    ])
    await listen(ben, 'mentions')
    await say(ann, 'unheard')
    expect((await told(ben))[0]).toHaveLength(3)
  })

  test('in any number is told to the last one', async () => {
    await listen(ben, 'all')
    for (let n = 0; n < 250; n += 50)
      await Promise.all(Array.from({ length: 50 }, (_, i) => say(ann, `message ${n + i}`)))
    await catchUp(app)
    const text = `select count(*), max(seq) - min(seq) as span from notifications where user_id = $1 and channel_id = $2`
    expect(await rows(app, text, [ben.id, channelId])).toEqual([{ count: 250, span: 249 }])
  })

  test('is not told to who wants to hear nothing of the channel', async () => {
    const root = await say(ben, 'a question')
    await listen(ben, 'none')
    await say(ann, at(ben))
    await say(ann, 'an answer', root.messageId)
    expect(await told(ben)).toEqual([[]])
    expect(await ben.api.data('GET', `/channels/${channelId}/notifications`)).toEqual({ level: 'none' })
    expect(await cat.api.data('GET', `/channels/${channelId}/notifications`)).toEqual({ level: 'mentions' })
  })

  test('in a private channel is told to those who are still in it', async () => {
    channelId = await open('private')
    for (const { id } of [ben, cat])
      await ann.api.data('POST', `/channels/${channelId}/members`, { userId: id })
    await listen(cat, 'all')
    await say(ann, at(ben))
    await ann.api.data('DELETE', `/channels/${channelId}/members/${ben.id}`)
    await ann.api.data('DELETE', `/channels/${channelId}/members/${cat.id}`)
    expect(await told(ben, cat)).toEqual([[], []])
  })
})
