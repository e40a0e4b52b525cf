import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { channelIn, registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { connectChat } from '../support/chat.js'

let app: TestApp
let ann: TestUser
let ben: TestUser
let outsider: TestUser
let channelId: string

beforeAll(async () => {
  app = await startApp()
  ;[ann, ben, outsider] = await registerAll(app.origin, 'Ann', 'Ben', 'Olga')
  const workspace = await workspaceOf(ann, ben)
  const channel = await ann.api.data('POST', `/workspaces/${workspace.id}/channels`, {
    name: 'general',
    type: 'public',
  })
  channelId = channel.id
})
afterAll(() => app.stop())

const send = (user: TestUser, body: object, id = channelId) => user.api.post(`/channels/${id}/messages`, body)

describe('sending', () => {
  test('a message sent over REST is answered as stored, and heard by those in the channel', async () => {
    const chat = await connectChat(app.origin, ben.accessToken)
    await chat.data('channel:join', { channelId })
    const { status, headers, body } = await send(ann, { content: 'hello @nobody' })
    expect(status).toBe(201)
    expect(headers.get('location')).toBe(`/api/v1/messages/${body.data.messageId}`)
    expect(body.data).toMatchObject({
      channelId,
      senderId: ann.id,
      senderName: 'Ann Person',
      content: 'hello @nobody',
      mentions: [],
      reactions: [],
      parentId: null,
      isEdited: false,
      deletedAt: null,
    })
    expect(await chat.next('message:new')).toEqual(body.data)
    chat.close()
  })

  test('a retry with the same id gives the first message, and nothing is heard twice', async () => {
    const chat = await connectChat(app.origin, ann.accessToken)
    await chat.data('channel:join', { channelId })
    const id = randomUUID()
    const first = await chat.data('message:send', { channelId, content: 'once', id })
    const again = await chat.data('message:send', { channelId, content: 'once', id: id.toUpperCase() })
    const byRest = await send(ann, { content: 'once', id })
    expect(again).toEqual(first)
    expect(byRest.body.data).toEqual(first)
    await chat.data('channel:sync', { channelId, since: first.seq })
    expect(chat.all('message:new').filter(({ messageId }) => messageId === id)).toHaveLength(1)
    chat.close()
  })

  test('50 racing sends of one id store one message', async () => {
    const id = randomUUID()
    const answers = await Promise.all(Array.from({ length: 50 }, () => send(ann, { content: 'raced', id })))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
    expect(new Set(answers.map(({ body }) => body.data.seq)).size).toBe(1)
  })

  test("another's id is a conflict, and shows nothing of his message", async () => {
    const id = randomUUID()
    await send(ann, { content: 'mine', id })
    const { status, body } = await send(ben, { content: 'theirs', id })
    expect(status).toBe(409)
    expect(body.code).toBe('MESSAGE_ID_TAKEN')
    expect(JSON.stringify(body)).not.toContain('mine')
  })

  test('an outsider cannot send, read, edit or delete, and learns nothing', async () => {
    const { body } = await send(ann, { content: 'secret' })
    const { messageId } = body.data
    const answers = await Promise.all([
      send(outsider, { content: 'hi' }),
      outsider.api.get(`/channels/${channelId}/messages`),
      outsider.api.get(`/channels/${channelId}/changes?since=0`),
      outsider.api.get(`/messages/${messageId}`),
      outsider.api.patch(`/messages/${messageId}`, { content: 'mine now' }),
      outsider.api.delete(`/messages/${messageId}`),
    ])
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404, 404])
  })

  test('replies go below the first message of the thread, also in the same burst', async () => {
    const [root, reply, deeper] = [randomUUID(), randomUUID(), randomUUID()]
    const chat = await connectChat(app.origin, ann.accessToken)
    const answers = await Promise.all([
      chat.data('message:send', { channelId, content: 'root', id: root }),
      chat.data('message:send', { channelId, content: 'reply', id: reply, parentId: root }),
      chat.data('message:send', { channelId, content: 'deeper', id: deeper, parentId: reply }),
    ])
    expect(answers.map(({ parentId }) => parentId)).toEqual([null, root, root])
    // Between the replies comes the number of the first message, which was changed by being replied to.
    expect(answers.map(({ seq }) => seq)).toEqual([0, 1, 3].map(n => answers[0].seq + n))
    chat.close()
  })

  test('a reply to what is not in the channel is refused', async () => {
    const answer = await send(ann, { content: 'lost', parentId: randomUUID() })
    expect([answer.status, answer.body.code]).toEqual([422, 'PARENT_NOT_FOUND'])
  })

  test('members are found by @username, others and e-mail addresses are not', async () => {
    const text = `@${ben.user.username}, mail x@${ann.user.username} and @${outsider.user.username}.`
    const { body } = await send(ann, { content: text })
    expect(body.data.mentions).toEqual([ben.id])
  })

  test.each([
    ['an empty text', { content: '' }],
    ['only blanks', { content: ' \n ' }],
    ['a NUL', { content: 'a\0b' }],
    ['a broken surrogate', { content: 'a\ud800b' }],
    ['too long a text', { content: 'x'.repeat(40_001) }],
    ['a number', { content: 7 }],
    ['an unknown field', { content: 'x', color: 'red' }],
    ['a malformed id', { content: 'x', id: 'nope' }],
    ['nothing', {}],
  ])('%s is refused with the field named', async (_what, body) => {
    const { status, body: problem } = await send(ann, body)
    expect(status).toBe(422)
    expect(problem).toMatchObject({ success: false, code: 'VALIDATION_ERROR' })
    expect(problem.errors[0].path).toMatch(/^body/)
  })

  test('500 sends of one socket in a burst are stored in the order sent', async () => {
    const channel = await newChannel()
    const chat = await connectChat(app.origin, ann.accessToken)
    await chat.data('channel:join', { channelId: channel })
    const sent = await Promise.all(
      Array.from({ length: 500 }, (_, n) =>
        chat.data('message:send', { channelId: channel, content: String(n) }),
      ),
    )
    expect(sent.map(({ seq }) => seq)).toEqual(Array.from({ length: 500 }, (_, n) => n + 1))
    expect(chat.all('message:new').map(({ content }) => content)).toEqual(sent.map((_, n) => String(n)))
    chat.close()
  })

  test('many writers in many channels: each channel has a gapless order that every listener hears', async () => {
    const channels = await Promise.all(Array.from({ length: 5 }, () => newChannel()))
    const chats = await Promise.all(
      [ann, ben, ann, ben].map(user => connectChat(app.origin, user.accessToken)),
    )
    for (const chat of chats) for (const id of channels) await chat.data('channel:join', { channelId: id })
    await Promise.all(
      chats.flatMap(chat =>
        Array.from({ length: 100 }, (_, n) =>
          chat.data('message:send', { channelId: channels[n % 5], content: `${chat.socket.id} ${n}` }),
        ),
      ),
    )
    for (const chat of chats) {
      for (const id of channels) {
        await chat.data('channel:sync', { channelId: id, since: 0 })
        const heard = chat.all('message:new').filter(message => message.channelId === id)
        expect(heard.map(({ seq }) => seq)).toEqual(Array.from({ length: 80 }, (_, n) => n + 1))
      }
      chat.close()
    }
  })
})

describe('history', () => {
  test('pages go from the newest to the oldest, and back, each message once', async () => {
    const channel = await newChannel()
    for (let n = 0; n < 12; n++) await send(ann, { content: String(n) }, channel)
    const walk = async (query: string) => {
      const seen: string[] = []
      let cursor: string | null = ''
      while (cursor !== null) {
        const { body } = await ann.api.get(
          `/channels/${channel}/messages?limit=5${query}${cursor && `&cursor=${cursor}`}`,
        )
        expect(body.meta.limit).toBe(5)
        seen.push(...body.data.map((message: { content: string }) => message.content))
        cursor = body.meta.nextCursor
      }
      return seen
    }
    const ascending = Array.from({ length: 12 }, (_, n) => String(n))
    expect(await walk('')).toEqual([...ascending].reverse())
    expect(await walk('&sort=createdAt')).toEqual(ascending)
  })

  test('an ISO time as cursor gives what is before it, as in the articles', async () => {
    const channel = await newChannel()
    const sent = []
    for (let n = 0; n < 4; n++) {
      sent.push((await send(ann, { content: String(n) }, channel)).body.data)
      await new Promise(resolve => setTimeout(resolve, 3))
    }
    const older = await ann.api.get(`/messages/channel/${channel}?cursor=${sent[2].createdAt}`)
    expect(older.body.data.map((message: { content: string }) => message.content)).toEqual(['1', '0'])
    const newer = await ann.api.get(
      `/channels/${channel}/messages?sort=createdAt&cursor=${sent[1].createdAt}`,
    )
    expect(newer.body.data.map((message: { content: string }) => message.content)).toEqual(['2', '3'])
  })

  test.each([
    'garbage',
    'WyJjcmVhdGVkQXQiLCJ4Il0',
    '2026-13-45T00:00:00Z',
    '%00',
    'WyItY3JlYXRlZEF0IiwxZTk5OV0',
  ])('the cursor %s is refused, not obeyed', async cursor => {
    const { status, body } = await ann.api.get(`/channels/${channelId}/messages?cursor=${cursor}`)
    expect(status).toBe(422)
    expect(['INVALID_CURSOR', 'VALIDATION_ERROR']).toContain(body.code)
  })

  test.each([
    'limit=0',
    'limit=101',
    'limit=ten',
    'limit=1.5',
    'limit=',
    'limit=5&limit=6',
    'page=2',
    'sort=name',
  ])('the query %s is refused, neither ignored nor clamped', async query => {
    const { status, body } = await ann.api.get(`/channels/${channelId}/messages?${query}`)
    expect([status, body.code]).toEqual([422, 'VALIDATION_ERROR'])
    expect(body.errors[0].path).toMatch(/^query/)
  })
})

describe('editing and deleting', () => {
  test('only the author edits; everybody in the channel hears it with the next sequence', async () => {
    const { body: sent } = await send(ann, { content: 'first' })
    const chat = await connectChat(app.origin, ben.accessToken)
    await chat.data('channel:join', { channelId })
    const { messageId } = sent.data
    expect((await ben.api.patch(`/messages/${messageId}`, { content: 'no' })).body.code).toBe(
      'NOT_MESSAGE_AUTHOR',
    )
    const { status, body } = await ann.api.patch(`/messages/${messageId}`, { content: 'second' })
    expect(status).toBe(200)
    expect(body.data).toMatchObject({ content: 'second', isEdited: true, position: sent.data.position })
    expect(body.data.seq).toBeGreaterThan(sent.data.seq)
    expect(await chat.next('message:edited')).toEqual(body.data)
    chat.close()
  })

  test('a deleted message stays as a tombstone without its content, and cannot be edited', async () => {
    const { body: sent } = await send(ben, { content: 'regretted' })
    const { messageId } = sent.data
    expect((await ben.api.delete(`/messages/${messageId}`)).status).toBe(204)
    expect((await ben.api.delete(`/messages/${messageId}`)).status).toBe(204)
    const { body } = await ann.api.get(`/messages/${messageId}`)
    expect(body.data).toMatchObject({ content: '', deletedAt: expect.any(String) })
    expect((await ben.api.patch(`/messages/${messageId}`, { content: 'x' })).body.code).toBe(
      'MESSAGE_DELETED',
    )
    const list = await ann.api.get(`/channels/${channelId}/messages?limit=1`)
    expect(list.body.data[0]).toMatchObject({ messageId, content: '' })
  })

  test('a channel admin deletes what others wrote, a plain member does not', async () => {
    const [byAnn, byBen] = [await send(ann, { content: 'a' }), await send(ben, { content: 'b' })]
    expect((await ben.api.delete(`/messages/${byAnn.body.data.messageId}`)).status).toBe(403)
    expect((await ann.api.delete(`/messages/${byBen.body.data.messageId}`)).status).toBe(204)
  })
})

describe('changes', () => {
  test('what changed since a sequence comes once a row, in the order of the latest changes, tombstones included', async () => {
    const channel = await newChannel()
    const ids: string[] = []
    for (const content of ['a', 'b', 'c'])
      ids.push((await send(ann, { content }, channel)).body.data.messageId)
    await ann.api.patch(`/messages/${ids[0]}`, { content: 'A' })
    await ann.api.delete(`/messages/${ids[1]}`)
    const { body } = await ann.api.get(`/channels/${channel}/changes?since=1`)
    expect(body.data.lastSeq).toBe(5)
    expect(
      body.data.changes.map(({ content, seq }: { content: string; seq: number }) => [content, seq]),
    ).toEqual([
      ['c', 3],
      ['A', 4],
      ['', 5],
    ])
    expect((await ann.api.get(`/channels/${channel}/changes?since=5`)).body.data).toEqual({
      lastSeq: 5,
      changes: [],
    })
  })

  test('after more than 500 changes, or from a sequence that never was, the answer is to start afresh', async () => {
    const channel = await newChannel()
    const chat = await connectChat(app.origin, ann.accessToken)
    await Promise.all(
      Array.from({ length: 501 }, () => chat.data('message:send', { channelId: channel, content: 'x' })),
    )
    const changes = async (since: number) =>
      (await ann.api.get(`/channels/${channel}/changes?since=${since}`)).body.data
    expect(await changes(0)).toEqual({ lastSeq: 501, reset: true })
    expect((await changes(1)).changes).toHaveLength(500)
    expect(await changes(502)).toEqual({ lastSeq: 501, reset: true })
    chat.close()
  })
})

async function newChannel(): Promise<string> {
  const { workspaceId } = await ann.api.data('GET', `/channels/${channelId}`)
  return channelIn(ann, workspaceId)
}
