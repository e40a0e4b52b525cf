import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Door } from '../../src/modules/chat/door.js'
import { PresenceService } from '../../src/modules/presence/presence.service.js'
import { channelIn, register, registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { type ChatClient, connectChat } from '../support/chat.js'

let app: TestApp
let ann: TestUser
let ben: TestUser
let guest: TestUser
let stranger: TestUser
let workspaceId: string
let channelId: string

beforeAll(async () => {
  app = await startApp()
  ;[ann, ben, guest, stranger] = await registerAll(app.origin, 'Ann', 'Ben', 'Gus', 'Sam')
  workspaceId = (await workspaceOf(ann, ben, [guest, 'guest'])).id
  await workspaceOf(stranger)
  channelId = await newChannel()
})
afterAll(() => app.stop())

const newChannel = (type = 'public', by = ann) => channelIn(by, workspaceId, type)
const connect = (user: TestUser) => connectChat(app.origin, user.accessToken)

/** Lets the grace time of everybody who has left be over. */
const afterGrace = () => app.container.resolve(PresenceService).sweep(Date.now() + 60_000)

describe('at the door', () => {
  test.each([['websocket'], ['polling']])('a valid token is welcomed over %s', async transport => {
    const chat = await connectChat(app.origin, ann.accessToken, { transports: [transport] })
    const [welcome] = chat.all('welcome')
    expect(welcome).toEqual({
      id: chat.socket.id,
      userId: ann.id,
      userName: 'Ann Person',
      expiresAt: expect.stringMatching(/^\d{4}-.*Z$/),
    })
    chat.close()
  })

  test.each([
    ['no token', undefined, 'UNAUTHENTICATED'],
    ['rubbish', 'rubbish', 'UNAUTHENTICATED'],
    ['an unsigned token', 'eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.', 'UNAUTHENTICATED'],
  ])('%s gets an error and may do nothing, but may still authenticate', async (_what, token, code) => {
    const chat = await connectChat(app.origin, token)
    expect(chat.all('error')[0]).toMatchObject({ code })
    expect(await chat.ask('channel:join', { channelId })).toMatchObject({
      ok: false,
      error: { code: 'UNAUTHENTICATED' },
    })
    expect(await chat.ask('auth', { token: 'worse' })).toMatchObject({
      ok: false,
      error: { code: 'UNAUTHENTICATED' },
    })
    const welcome = await chat.data('auth', { token: ann.accessToken })
    expect(welcome.userId).toBe(ann.id)
    expect(await chat.data('channel:join', { channelId })).toMatchObject({ lastSeq: expect.any(Number) })
    chat.close()
  })

  test('a socket without a valid token is closed after ten seconds', async () => {
    const chat = await connectChat(app.origin)
    const door = app.container.resolve(Door)
    door.sweep(Date.now() + 9_000)
    expect(await chat.ask('auth', { token: 'x' })).toMatchObject({ ok: false })
    door.sweep(Date.now() + 10_001)
    await vi.waitFor(() => expect(chat.socket.connected).toBe(false))
  })

  test('a socket is warned before its token expires, can renew it, and is closed otherwise', async () => {
    const [renewing, expiring] = [await connect(ann), await connect(ben)]
    const expiresAt = Date.parse(renewing.all('welcome')[0].expiresAt)
    const ends = Math.max(expiresAt, Date.parse(expiring.all('welcome')[0].expiresAt))
    const door = app.container.resolve(Door)
    door.sweep(expiresAt - 59_000)
    expect(await renewing.next('auth:expiring')).toEqual({ expiresAt: new Date(expiresAt).toISOString() })
    await new Promise(resolve => setTimeout(resolve, 1_100))
    const { accessToken, refreshToken } = await ann.api.data('POST', '/auth/refresh', {
      refreshToken: ann.refreshToken,
    })
    ann.refreshToken = refreshToken
    const renewed = await renewing.data('auth', { token: accessToken })
    expect(Date.parse(renewed.expiresAt)).toBeGreaterThan(ends)
    expect(renewing.all('welcome')).toHaveLength(1)
    door.sweep(ends)
    await expiring.next('error', ({ code }) => code === 'TOKEN_EXPIRED')
    await vi.waitFor(() => expect(expiring.socket.connected).toBe(false))
    expect(renewing.socket.connected).toBe(true)
    renewing.close()
  })

  test('a socket cannot change its user', async () => {
    const chat = await connect(ann)
    expect(await chat.ask('auth', { token: ben.accessToken })).toMatchObject({
      ok: false,
      error: { code: 'FORBIDDEN' },
    })
    chat.close()
  })

  test('logging out closes the sockets of that session, not those of another', async () => {
    const other = await ann.api.data('POST', '/auth/login', { email: ann.email, password: 'correct horse' })
    const [closing, staying] = [await connectChat(app.origin, other.accessToken), await connect(ann)]
    await ann.api.post('/auth/logout', { refreshToken: other.refreshToken })
    await closing.next('error', ({ code }) => code === 'SESSION_REVOKED')
    await vi.waitFor(() => expect(closing.socket.connected).toBe(false))
    expect((await connectChat(app.origin, other.accessToken)).all('error')[0].code).toBe('SESSION_REVOKED')
    expect((await staying.settled()).ok).toBe(true)
    staying.close()
  })
})

describe('joining', () => {
  test('others in the channel are told, and the answer says where it stands and who is online', async () => {
    const channel = await newChannel()
    const [first, second] = [await connect(ann), await connect(ben)]
    expect(await first.data('channel:join', { channelId: channel })).toMatchObject({ lastSeq: 0 })
    const joined = await second.data('channel:join', { channelId: channel })
    expect(new Set(joined.online)).toEqual(new Set([ann.id, ben.id]))
    expect(joined).not.toHaveProperty('changes')
    expect(await first.next('channel:user_joined')).toEqual({
      channelId: channel,
      userId: ben.id,
      userName: 'Ben Person',
    })
    expect(second.all('channel:user_joined')).toEqual([])
    await second.data('channel:leave', { channelId: channel })
    expect(await first.next('channel:user_left')).toEqual({
      channelId: channel,
      userId: ben.id,
      userName: 'Ben Person',
    })
    await first.data('message:send', { channelId: channel, content: 'gone?' })
    await second.settled()
    expect(second.all('message:new')).toEqual([])
    first.close()
    second.close()
  })

  test('coming back with `since` gives what was missed, edits and deletions included, and nothing twice', async () => {
    const channel = await newChannel()
    const [here, away] = [await connect(ann), await connect(ben)]
    const sent = []
    for (const content of ['a', 'b', 'c'])
      sent.push(await here.data('message:send', { channelId: channel, content }))
    await here.data('message:edit', { messageId: sent[0].messageId, content: 'A' })
    await here.data('message:delete', { messageId: sent[1].messageId })
    const { changes, lastSeq } = await away.data('channel:join', { channelId: channel, since: 1 })
    expect(changes.map(({ content }: { content: string }) => content)).toEqual(['c', 'A', ''])
    expect(lastSeq).toBe(5)
    await here.data('message:send', { channelId: channel, content: 'd' })
    expect(await away.next('message:new')).toMatchObject({ content: 'd', seq: 6 })
    expect(away.all('message:new')).toHaveLength(1)
    here.close()
    away.close()
  })

  test('whoever joins in the middle of a storm of messages hears each exactly once, in the ack or live', async () => {
    const channel = await newChannel()
    const sender = await connect(ann)
    const joiners = await Promise.all(Array.from({ length: 10 }, () => connect(ben)))
    const storm = Promise.all(
      Array.from({ length: 480 }, async (_, n) => {
        await new Promise(resolve => setTimeout(resolve, n / 2))
        return sender.data('message:send', { channelId: channel, content: String(n) })
      }),
    )
    const joins = joiners.map(async (joiner, n) => {
      await new Promise(resolve => setTimeout(resolve, 20 * n))
      return joiner.data('channel:join', { channelId: channel, since: 0 })
    })
    await storm
    for (const [n, join] of joins.entries()) {
      const { changes, lastSeq } = await join
      const joiner = joiners[n] as ChatClient
      await joiner.until(() => joiner.all('message:new').at(-1)?.seq === 480 || lastSeq === 480 || undefined)
      const seqs = [...changes, ...joiner.all('message:new')].map(({ seq }: { seq: number }) => seq)
      expect(seqs).toEqual(Array.from({ length: 480 }, (_, seq) => seq + 1))
      joiner.close()
    }
    sender.close()
  })

  test.each([
    ['an outsider', () => stranger, 'public'],
    ['a guest who was not added', () => guest, 'public'],
    ['a member who was not added', () => ben, 'private'],
  ])('%s cannot join, sync, read or write', async (_who, user, type) => {
    const channel = await newChannel(type)
    const chat = await connect(user())
    const [message] = [await ann.api.data('POST', `/channels/${channel}/messages`, { content: 'inside' })]
    const answers = await Promise.all([
      chat.ask('channel:join', { channelId: channel }),
      chat.ask('channel:sync', { channelId: channel, since: 0 }),
      chat.ask('channel:read', { channelId: channel, seq: 0 }),
      chat.ask('message:send', { channelId: channel, content: 'hi' }),
      chat.ask('message:edit', { messageId: message.messageId, content: 'hi' }),
      chat.ask('message:delete', { messageId: message.messageId }),
    ])
    expect(answers.map(({ error }) => error?.code)).toEqual([
      ...Array(4).fill('CHANNEL_NOT_FOUND'),
      ...Array(2).fill('MESSAGE_NOT_FOUND'),
    ])
    expect(chat.all('message:new')).toEqual([])
    chat.close()
  })
})

describe('losing access while listening', () => {
  test('a member taken out of a private channel is told and hears nothing more', async () => {
    const channel = await newChannel('private')
    await ann.api.data('POST', `/channels/${channel}/members`, { userId: ben.id })
    const [owner, member] = [await connect(ann), await connect(ben)]
    await owner.data('channel:join', { channelId: channel })
    await member.data('channel:join', { channelId: channel })
    await ann.api.delete(`/channels/${channel}/members/${ben.id}`)
    expect(await member.next('channel:removed')).toEqual({ channelId: channel })
    await owner.data('message:send', { channelId: channel, content: 'among us' })
    await member.settled()
    expect(member.all('message:new')).toEqual([])
    expect((await member.ask('channel:join', { channelId: channel, since: 0 })).error.code).toBe(
      'CHANNEL_NOT_FOUND',
    )
    owner.close()
    member.close()
  })

  test('a channel made private drops those who are not its members', async () => {
    const channel = await newChannel()
    const [owner, member] = [await connect(ann), await connect(ben)]
    await owner.data('channel:join', { channelId: channel })
    await member.data('channel:join', { channelId: channel })
    await ann.api.patch(`/channels/${channel}`, { type: 'private' })
    expect(await member.next('channel:removed')).toEqual({ channelId: channel })
    await owner.data('message:send', { channelId: channel, content: 'private now' })
    expect(await owner.next('message:new')).toMatchObject({ content: 'private now' })
    await member.settled()
    expect(member.all('message:new')).toEqual([])
    owner.close()
    member.close()
  })

  test('a deleted channel is left by everybody', async () => {
    const channel = await newChannel()
    const chat = await connect(ben)
    await chat.data('channel:join', { channelId: channel })
    await ann.api.delete(`/channels/${channel}`)
    expect(await chat.next('channel:removed')).toEqual({ channelId: channel })
    expect((await chat.ask('message:send', { channelId: channel, content: 'x' })).error.code).toBe(
      'CHANNEL_NOT_FOUND',
    )
    chat.close()
  })

  test('whoever is removed from the workspace leaves its channels and its presence', async () => {
    const leaver = await register(app.origin, 'Lea')
    const { token } = await ann.api.data('POST', `/workspaces/${workspaceId}/invite`, {
      email: leaver.email,
      role: 'member',
    })
    const [owner, member] = [await connect(ann), await connect(leaver)]
    await leaver.api.data('POST', '/invitations/accept', { token })
    expect(await owner.next('presence:online', ({ userId }) => userId === leaver.id)).toBeDefined()
    await member.data('channel:join', { channelId })
    await ann.api.delete(`/workspaces/${workspaceId}/members/${leaver.id}`)
    expect(await member.next('channel:removed')).toEqual({ channelId })
    expect(await owner.next('presence:offline', ({ userId }) => userId === leaver.id)).toEqual({
      userId: leaver.id,
    })
    const before = member.heard.length
    await owner.data('message:send', { channelId, content: 'without you' })
    const other = await connect(ben)
    await member.settled()
    expect(member.heard.slice(before)).toEqual([])
    for (const chat of [owner, member, other]) chat.close()
  })
})

describe('typing', () => {
  test('is told to the others in the room with the name, and ends with the word or by itself', async () => {
    const channel = await newChannel()
    const [typist, watcher] = [await connect(ann), await connect(ben)]
    for (const chat of [typist, watcher]) await chat.data('channel:join', { channelId: channel })
    await typist.data('channel:typing', { channelId: channel })
    const who = { channelId: channel, userId: ann.id, userName: 'Ann Person' }
    expect(await watcher.next('channel:typing')).toEqual(who)
    await typist.data('channel:stop_typing', { channelId: channel })
    expect(await watcher.next('channel:stop_typing')).toEqual(who)
    await typist.data('channel:typing', { channelId: channel })
    await watcher.until(() => watcher.all('channel:stop_typing')[1])
    expect(typist.all('channel:typing')).toEqual([])
    typist.close()
    watcher.close()
  })

  test('ends when the typist vanishes', async () => {
    const channel = await newChannel()
    const [typist, watcher] = [await connect(ann), await connect(ben)]
    for (const chat of [typist, watcher]) await chat.data('channel:join', { channelId: channel })
    await typist.data('channel:typing', { channelId: channel })
    const started = Date.now()
    typist.socket.io.engine.close()
    await watcher.next('channel:stop_typing')
    expect(Date.now() - started).toBeLessThan(4_000)
    watcher.close()
  })

  test('is refused to somebody who has not joined', async () => {
    const chat = await connect(ann)
    expect(await chat.ask('channel:typing', { channelId })).toMatchObject({
      ok: false,
      error: { code: 'CHANNEL_NOT_JOINED' },
    })
    chat.close()
  })
})

describe('reading', () => {
  test('the mark moves forward only, and all devices of the reader hear what is left', async () => {
    const channel = await newChannel()
    for (const content of ['a', `b @${ben.user.username}`, 'c']) {
      await ann.api.data('POST', `/channels/${channel}/messages`, { content })
    }
    const [phone, laptop, other] = [await connect(ben), await connect(ben), await connect(ann)]
    const left = { channelId: channel, unread: 2, mentions: 1, lastSeq: 3, lastReadSeq: 1 }
    expect(await phone.data('channel:read', { channelId: channel, seq: 1 })).toEqual(left)
    expect(await laptop.next('channel:unread')).toEqual(left)
    expect(await phone.data('channel:read', { channelId: channel, seq: 3 })).toMatchObject({
      unread: 0,
      mentions: 0,
    })
    expect(await laptop.data('channel:read', { channelId: channel, seq: 2 })).toMatchObject({
      unread: 0,
      lastReadSeq: 3,
    })
    expect(await phone.ask('channel:read', { channelId: channel, seq: 4 })).toMatchObject({
      error: { code: 'VALIDATION_ERROR' },
    })
    await other.settled()
    expect(other.all('channel:unread')).toEqual([])
    for (const chat of [phone, laptop, other]) chat.close()
  })

  test('own messages, deleted ones and edits of read ones are not unread', async () => {
    const channel = await newChannel()
    const messages = []
    for (const user of [ann, ann, ben]) {
      messages.push(await user.api.data('POST', `/channels/${channel}/messages`, { content: 'x' }))
    }
    const unread = async () => (await ben.api.data('GET', `/channels/${channel}`)).unread
    expect(await unread()).toBe(2)
    await ann.api.delete(`/messages/${messages[1].messageId}`)
    expect(await unread()).toBe(1)
    await ben.api.data('POST', `/channels/${channel}/read`, { seq: 4 })
    await ann.api.patch(`/messages/${messages[0].messageId}`, { content: 'y' })
    expect(await unread()).toBe(0)
  })
})

describe('presence', () => {
  test('two tabs: closing one announces nothing, closing both announces it once; other workspaces hear neither', async () => {
    const visitor = await register(app.origin, 'Vic')
    const { token } = await ann.api.data('POST', `/workspaces/${workspaceId}/invite`, {
      email: visitor.email,
      role: 'member',
    })
    await visitor.api.data('POST', '/invitations/accept', { token })
    const [watcher, elsewhere] = [await connect(ann), await connect(stranger)]
    const ofVisitor = (chat: ChatClient, event: string) =>
      chat.all(event).filter(({ userId }) => userId === visitor.id)
    const tabs = [await connect(visitor), await connect(visitor)]
    expect(await watcher.next('presence:online', ({ userId }) => userId === visitor.id)).toEqual({
      userId: visitor.id,
      userName: 'Vic Person',
    })
    const closeOne = async () => {
      const closing = tabs.pop() as ChatClient
      closing.close()
      await vi.waitFor(async () =>
        expect((await app.container.resolve(PresenceService)).onlineCount(workspaceId)).toBeGreaterThan(0),
      )
    }
    await closeOne()
    afterGrace()
    await watcher.settled()
    expect(ofVisitor(watcher, 'presence:offline')).toEqual([])
    await closeOne()
    await vi.waitFor(async () => {
      afterGrace()
      await watcher.settled()
      expect(ofVisitor(watcher, 'presence:offline')).toEqual([{ userId: visitor.id }])
    }, 3_000)
    afterGrace()
    for (const chat of [watcher, elsewhere]) await chat.settled()
    expect(ofVisitor(watcher, 'presence:online')).toHaveLength(1)
    expect(ofVisitor(watcher, 'presence:offline')).toHaveLength(1)
    expect([...ofVisitor(elsewhere, 'presence:online'), ...ofVisitor(elsewhere, 'presence:offline')]).toEqual(
      [],
    )
    watcher.close()
    elsewhere.close()
  })

  test('a reload is not noticed by anybody', async () => {
    const watcher = await connect(ann)
    const before = await connect(ben)
    // Whatever happened before is announced within a second.
    await new Promise(resolve => setTimeout(resolve, 1_100))
    await watcher.settled()
    const heard = watcher.heard.length
    before.close()
    const after = await connect(ben)
    afterGrace()
    await watcher.settled()
    expect(watcher.heard.slice(heard)).toEqual([])
    after.close()
    watcher.close()
  })

  test('REST tells the same, to members only', async () => {
    const chat = await connect(ben)
    const online = await ann.api.data('GET', `/workspaces/${workspaceId}/presence`)
    expect(online).toContainEqual({ userId: ben.id, userName: 'Ben Person' })
    expect((await stranger.api.get(`/workspaces/${workspaceId}/presence`)).status).toBe(404)
    chat.close()
  })
})

describe('bad input', () => {
  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'hello'],
    ['a list', []],
    ['a number for an id', { channelId: 5 }],
    ['a malformed id', { channelId: 'x' }],
    ['an unknown field', { channelId: randomUUID(), admin: true }],
    ['bytes', Buffer.from('hello')],
    ['deep nesting', JSON.parse(`${'['.repeat(2_000)}${']'.repeat(2_000)}`)],
  ])('%s as payload is answered with a code on every event', async (_what, payload) => {
    const chat = await connect(ann)
    const events = [
      'channel:join',
      'channel:leave',
      'message:send',
      'message:edit',
      'message:delete',
      'channel:typing',
      'channel:stop_typing',
      'channel:read',
      'channel:sync',
      'project:join',
      'project:leave',
      'auth',
    ]
    const answers = await Promise.all(events.map(event => chat.ask(event, payload)))
    expect(answers.map(({ ok, error }) => [ok, error.code])).toEqual(
      events.map(() => [false, 'VALIDATION_ERROR']),
    )
    chat.close()
  })

  test('without an ack the failure comes as an error event', async () => {
    const chat = await connect(ann)
    chat.socket.emit('message:send', { channelId, content: '' })
    expect(await chat.next('error')).toMatchObject({ code: 'VALIDATION_ERROR' })
    chat.close()
  })

  test('an unknown event is named as such', async () => {
    const chat = await connect(ann)
    for (const event of ['nope', '__proto__', 'constructor', 'toString']) {
      expect(await chat.ask(event, {})).toMatchObject({ ok: false, error: { code: 'UNKNOWN_EVENT' } })
    }
    chat.close()
  })

  test('a frame of two megabytes is refused and the socket lives on', async () => {
    const chat = await connect(ann)
    const answer = await chat.ask('message:send', { channelId, content: 'x'.repeat(2 * 1024 * 1024) })
    expect(answer).toMatchObject({ ok: false, error: { code: 'PAYLOAD_TOO_LARGE' } })
    expect((await chat.settled()).ok).toBe(true)
    chat.close()
  })
})
