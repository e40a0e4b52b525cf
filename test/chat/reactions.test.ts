import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ReactionsRepository } from '../../src/modules/messages/reactions/reactions.repository.js'
import { channelIn, register, registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { connectChat } from '../support/chat.js'
import { race, rows, tally } from '../work/support.js'

let app: TestApp
let ann: TestUser
let ben: TestUser
let workspaceId: string
let channelId: string

beforeAll(async () => {
  app = await startApp()
  ;[ann, ben] = await registerAll(app.origin, 'Ann', 'Ben')
  workspaceId = (await workspaceOf(ann, ben)).id
  channelId = await newChannel()
})
afterAll(() => app.stop())

const newChannel = () => channelIn(ann, workspaceId)
const send = (content = 'hello', id = channelId) =>
  ann.api.data('POST', `/channels/${id}/messages`, { content })
const pathOf = (messageId: string, emoji: string) =>
  `/messages/${messageId}/reactions/${encodeURIComponent(emoji)}`
const react = (user: TestUser, messageId: string, emoji = '👍') => user.api.put(pathOf(messageId, emoji))
const take = (user: TestUser, messageId: string, emoji = '👍') => user.api.delete(pathOf(messageId, emoji))
const lastSeq = async (id: string) => (await ann.api.data('GET', `/channels/${id}`)).lastSeq
const read = (messageId: string) => ann.api.data('GET', `/messages/${messageId}`)

/** Different emojis, as many as asked for. */
const emojis = (count: number) => Array.from({ length: count }, (_, n) => String.fromCodePoint(0x1f400 + n))

/** What a message tells of its reactions, counted anew from those that are stored. */
async function recount(messageId: string) {
  const stored = await rows(
    app,
    `select emoji, count(*) as count, array_agg(user_id order by created_at, user_id) as "userIds"
     from message_reactions where message_id = $1 group by emoji order by min(created_at), emoji`,
    [messageId],
  )
  return stored.map(({ userIds, ...rest }) => ({ ...rest, userIds: userIds.slice(0, 20) }))
}

describe('a reaction', () => {
  test('is told in the message, in the order in which emojis and people came', async () => {
    const { messageId } = await send()
    await react(ben, messageId, '🎉')
    await react(ann, messageId, '👍')
    const { status, body } = await react(ann, messageId, '🎉')
    expect(status).toBe(200)
    expect(body.data.reactions).toEqual([
      { emoji: '🎉', count: 2, userIds: [ben.id, ann.id] },
      { emoji: '👍', count: 1, userIds: [ann.id] },
    ])
    expect(await read(messageId)).toEqual(body.data)
    expect(body.data).toMatchObject({ isEdited: false, content: 'hello' })
    expect((await take(ben, messageId, '🎉')).status).toBe(204)
    expect((await read(messageId)).reactions).toEqual([
      { emoji: '👍', count: 1, userIds: [ann.id] },
      { emoji: '🎉', count: 1, userIds: [ann.id] },
    ])
    expect(await recount(messageId)).toEqual((await read(messageId)).reactions)
  })

  test('twice is one, and taken back twice is none: the second time nothing changes', async () => {
    const channel = await newChannel()
    const { messageId } = await send('hello', channel)
    const first = await react(ben, messageId)
    const again = await react(ben, messageId)
    expect([again.status, again.body.data]).toEqual([200, first.body.data])
    await take(ben, messageId)
    expect((await take(ben, messageId)).status).toBe(204)
    expect((await take(ann, messageId)).status).toBe(204)
    expect(await lastSeq(channel)).toBe(3)
  })

  test('is a change of the channel: heard live, and brought by `since`', async () => {
    const channel = await newChannel()
    const { messageId, seq } = await send('hello', channel)
    const chat = await connectChat(app.origin, ben.accessToken)
    await chat.data('channel:join', { channelId: channel })
    const { body } = await react(ann, messageId)
    const reactions = [{ emoji: '👍', count: 1, userIds: [ann.id] }]
    const told = { messageId, channelId: channel, reactions, replyCount: 0, lastReplyAt: null, seq: seq + 1 }
    expect(await chat.next('message:reacted')).toEqual(told)
    const { changes } = await ann.api.data('GET', `/channels/${channel}/changes?since=${seq}`)
    expect(changes).toEqual([body.data])
    await take(ann, messageId)
    expect(await chat.next('message:reacted', data => data.seq === seq + 2)).toMatchObject({ reactions: [] })
    chat.close()
  })

  test('that nobody told of is heard all the same, of an edited message with its text', async () => {
    const channel = await newChannel()
    const plain = await send('plain', channel)
    const edited = await send('before', channel)
    await ann.api.patch(`/messages/${edited.messageId}`, { content: 'after' })
    const chat = await connectChat(app.origin, ben.accessToken)
    await chat.data('channel:join', { channelId: channel })
    const silently = app.container.resolve(ReactionsRepository)
    for (const { messageId } of [plain, edited])
      await silently.add({ channelId: channel, messageId, userId: ann.id, emoji: '👀' })
    const { messageId } = plain
    const reactions = [{ emoji: '👀', count: 1, userIds: [ann.id] }]
    expect(await chat.next('message:edited')).toEqual(await read(edited.messageId))
    expect(chat.all('message:reacted')).toEqual([
      { messageId, channelId: channel, reactions, replyCount: 0, lastReplyAt: null, seq: 4 },
    ])
    expect((await read(edited.messageId)).reactions).toEqual(reactions)
    chat.close()
  })

  test('of many people names the first 20 and counts all', async () => {
    const { messageId } = await send()
    await rows(
      app,
      `with crowd as (
         insert into users (id, email, username, first_name, last_name, password_hash)
         select gen_random_uuid(), n || '@crowd.example', 'crowd' || n, 'C', 'Rowd', '' from generate_series(1, 30) n
         returning id)
       insert into message_reactions (message_id, emoji, user_id) select $1, '🐙', id from crowd`,
      [messageId],
    )
    const { body } = await react(ann, messageId, '🐙')
    expect(body.data.reactions).toMatchObject([{ emoji: '🐙', count: 31 }])
    expect(body.data.reactions[0].userIds).toHaveLength(20)
    expect(await recount(messageId)).toEqual(body.data.reactions)
  })

  test('to a deleted message is refused, and deleting a message takes its reactions away', async () => {
    const { messageId } = await send()
    await react(ben, messageId)
    await ann.api.delete(`/messages/${messageId}`)
    expect((await read(messageId)).reactions).toEqual([])
    expect(await recount(messageId)).toEqual([])
    const { status, body } = await react(ben, messageId)
    expect([status, body.code]).toEqual([409, 'MESSAGE_DELETED'])
    expect((await take(ben, messageId)).status).toBe(204)
  })

  test('to what one may not read, or to nothing, is a 404', async () => {
    const outsider = await register(app.origin, 'Olga')
    const { messageId } = await send()
    const tries = [react(outsider, messageId), take(outsider, messageId), react(ann, randomUUID())]
    expect((await Promise.all(tries)).map(({ status }) => status)).toEqual([404, 404, 404])
  })
})

describe('an emoji', () => {
  test.each(['👍', '👍🏽', '❤️', '👩‍👩‍👧‍👦', '👩🏽‍❤️‍💋‍👨🏿', '🏳️‍🌈', '🇩🇪', '🏴󠁧󠁢󠁳󠁣󠁴󠁿', '1️⃣', '☺️'])(
    '%s is one',
    async emoji => {
      const { messageId } = await send()
      const { status, body } = await react(ann, messageId, emoji)
      expect([status, body.data?.reactions]).toEqual([200, [{ emoji, count: 1, userIds: [ann.id] }]])
      expect((await take(ann, messageId, emoji)).status).toBe(204)
      expect((await read(messageId)).reactions).toEqual([])
    },
  )

  test.each([
    ['a letter', 'a'],
    ['a digit', '1'],
    ['a word', 'thumbsup'],
    ['two of them', '👍👍'],
    ['one and a letter', '👍a'],
    ['half a flag', '🇩'],
    ['a skin tone and a letter', 'a🏽'],
    ['one under a heap of accents', `👍${'\u0301'.repeat(10)}`],
    ['one that is too long', '👩‍'.repeat(11)],
    ['a blank', ' '],
    ['an invisible joiner', '\u200d'],
    ['a NUL', '\0'],
  ])('%s is none', async (_what, text) => {
    const { messageId } = await send()
    const { status, body } = await react(ann, messageId, text)
    expect([status, body.code, body.errors?.[0].path]).toEqual([422, 'VALIDATION_ERROR', 'params.emoji'])
  })

  test.each([
    ['❤️', '\u2764', '\u2764\ufe0f'],
    ['👍', '\u{1f44d}\ufe0f', '\u{1f44d}'],
  ])('%s is the same with and without the mark for colour', async (_what, one, listed) => {
    const { messageId } = await send()
    await react(ann, messageId, one)
    const { body } = await react(ben, messageId, listed)
    expect(body.data.reactions).toEqual([{ emoji: listed, count: 2, userIds: [ann.id, ben.id] }])
    expect((await take(ann, messageId, one)).status).toBe(204)
    expect((await read(messageId)).reactions).toMatchObject([{ count: 1, userIds: [ben.id] }])
  })

  test('that is escaped badly is no request at all', async () => {
    const { messageId } = await send()
    const { status } = await ann.api.put(`/messages/${messageId}/reactions/%F0%9F%91`)
    expect(status).toBe(400)
  })
})

describe('racing', () => {
  test('50 times the same reaction is one reaction and one change', async () => {
    const channel = await newChannel()
    const { messageId } = await send('hello', channel)
    const chat = await connectChat(app.origin, ben.accessToken)
    await chat.data('channel:join', { channelId: channel })
    expect(tally(await race(50, () => react(ann, messageId)))).toEqual({ 200: 50 })
    expect((await read(messageId)).reactions).toEqual([{ emoji: '👍', count: 1, userIds: [ann.id] }])
    expect(await lastSeq(channel)).toBe(2)
    await chat.data('channel:sync', { channelId: channel, since: 2 })
    expect(chat.all('message:reacted')).toHaveLength(1)
    chat.close()
  })

  test('50 coming and going end in what is stored, each change heard once and in order', async () => {
    const channel = await newChannel()
    const { messageId } = await send('hello', channel)
    const chat = await connectChat(app.origin, ben.accessToken)
    await chat.data('channel:join', { channelId: channel })
    await race(50, n => (n % 3 ? react : take)(n % 2 ? ann : ben, messageId, emojis(4)[n % 4]))
    const { reactions, seq } = await read(messageId)
    expect(await recount(messageId)).toEqual(reactions)
    expect(seq).toBe(await lastSeq(channel))
    await chat.next('message:reacted', data => data.seq === seq)
    const heard = chat.all('message:reacted')
    expect(heard.map(data => data.seq)).toEqual(heard.map((_, n) => n + 2))
    expect(heard.at(-1).reactions).toEqual(reactions)
    chat.close()
  })

  test('50 for the last place get one in', async () => {
    const { messageId } = await send()
    const all = emojis(99)
    for (const emoji of all.slice(0, 49)) await react(ann, messageId, emoji)
    const answers = await race(50, n => react(ben, messageId, all[49 + n]))
    expect(tally(answers)).toEqual({ '200': 1, '409 TOO_MANY_REACTIONS': 49 })
    expect((await read(messageId)).reactions).toHaveLength(50)
    expect(await recount(messageId)).toHaveLength(50)
    // One that is there already takes no place.
    expect((await react(ben, messageId, all[0])).status).toBe(200)
  })

  test('with the deletion of the message leaves nothing behind', async () => {
    const { messageId } = await send()
    await Promise.all([
      race(50, n => react(n % 2 ? ann : ben, messageId, emojis(10)[n % 10])),
      ann.api.delete(`/messages/${messageId}`),
    ])
    expect((await read(messageId)).reactions).toEqual([])
    expect(await recount(messageId)).toEqual([])
  })
})
