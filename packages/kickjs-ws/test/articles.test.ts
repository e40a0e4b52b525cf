import { Container } from '@forinda/kickjs-core'
import jwt from 'jsonwebtoken'
import { beforeEach, describe, expect, test } from 'vitest'
import { ChatWsController, env, getOnlineUsers, MessageRepository } from './article-chat.js'
import { MultiTabChatController } from './article-multi-tab.js'
import { heard, next, serve, transports } from './harness.js'

const tokenOf = (name: string) => jwt.sign({ sub: name, email: `${name}@example.com` }, env.JWT_SECRET)

describe.each(transports)('the chat controller of the articles, over %s', transport => {
  const container = new Container()
  const start = async () => {
    const server = await serve({ path: '/ws', controllers: [ChatWsController] }, container)
    const signIn = async (name: string) => {
      const client = server.open('/chat', { auth: { token: tokenOf(name) }, transports: [transport] })
      expect(await next(client, 'welcome')).toEqual({ id: client.id, userId: name })
      return client
    }
    return { ...server, signIn }
  }

  beforeEach(() => getOnlineUsers().clear())

  test('a valid token is welcomed and announced to all', async () => {
    const { signIn } = await start()
    const ada = await signIn('ada')
    const online = next(ada, 'presence:online')
    const bob = await signIn('bob')
    expect(await online).toEqual({ userId: 'bob', userName: 'bob@example.com' })
    expect([...getOnlineUsers().keys()]).toEqual([ada.id, bob.id])
    const offline = next(ada, 'presence:offline')
    bob.disconnect()
    expect(await offline).toEqual({ userId: 'bob' })
  })

  test('a bad token is told so, and the socket stays open', async () => {
    const { open } = await start()
    for (const auth of [{ token: 'forged' }, {}, { token: { length: 1 } }]) {
      const client = open('/chat', { auth, transports: [transport] })
      expect(await next(client, 'error')).toEqual({ message: 'Invalid authentication token' })
      client.emit('message:send', { channelId: 'c', content: 'hello' })
      expect(await next(client, 'error')).toEqual({ message: 'Not authenticated' })
      expect(client.connected).toBe(true)
    }
  })

  test('a message reaches each in the room once, and its sender', async () => {
    const { signIn } = await start()
    const [ada, bob, eve] = [await signIn('ada'), await signIn('bob'), await signIn('eve')]
    await ada.emitWithAck('channel:join', { channelId: 'general' })
    const joined = next(ada, 'channel:user_joined')
    await bob.emitWithAck('channel:join', { channelId: 'general' })
    expect(await joined).toEqual({ channelId: 'general', userId: 'bob' })

    const [toAda, toBob, toEve] = [heard(ada), heard(bob), heard(eve)]
    await ada.emitWithAck('channel:typing', { channelId: 'general' })
    await ada.emitWithAck('message:send', { channelId: 'general', content: 'Hello!' })
    const message = expect.objectContaining({ senderId: 'ada', content: 'Hello!', channelId: 'general' })
    await bob.emitWithAck('channel:stop_typing', { channelId: 'general' })
    await eve.emitWithAck('channel:typing', {})
    expect(toBob).toEqual([
      ['channel:typing', { channelId: 'general', userId: 'ada', userName: 'ada@example.com' }],
      ['message:new', message],
    ])
    expect(toAda[0]).toEqual(['message:new', message])
    expect(toEve).toEqual([])
  })

  test('only the author edits and deletes, the others hear of it until they leave', async () => {
    const { signIn } = await start()
    const [ada, bob] = [await signIn('ada'), await signIn('bob')]
    for (const client of [ada, bob]) await client.emitWithAck('channel:join', { channelId: 'general' })
    const sent = next(bob, 'message:new')
    await ada.emitWithAck('message:send', { channelId: 'general', content: 'Helo' })
    const { messageId } = (await sent) as { messageId: string }

    const toBob = heard(bob)
    const toAda = heard(ada)
    await bob.emitWithAck('message:edit', { messageId, content: 'forged' })
    await ada.emitWithAck('message:edit', { messageId, content: 'Hello' })
    await ada.emitWithAck('message:delete', { messageId })
    await bob.emitWithAck('channel:leave', { channelId: 'general' })
    await ada.emitWithAck('message:send', { channelId: 'general', content: 'Bye' })
    expect(toBob.map(([event]) => event)).toEqual(['message:edited', 'message:deleted'])
    expect(toBob[0]?.[1]).toMatchObject({ messageId, content: 'Hello', channelId: 'general' })
    expect(toAda.map(([event]) => event)).toEqual(['channel:user_left', 'message:new'])
    expect(container.resolve(MessageRepository).findById(messageId)).toMatchObject({ isEdited: true })
  })
})

test('with the multi-tab handler, only the last of two tabs announces that a user is offline', async () => {
  const { open } = await serve({ controllers: [MultiTabChatController] })
  const signIn = async (name: string) => {
    const client = open('/chat', { auth: { token: name } })
    await next(client, 'welcome')
    return client
  }
  const [eve, first, second] = [await signIn('eve'), await signIn('ada'), await signIn('ada')]
  const offline: unknown[] = []
  eve.on('presence:offline', payload => offline.push(payload))
  first.disconnect()
  const gone = next(eve, 'presence:offline')
  second.disconnect()
  expect(await gone).toEqual({ userId: 'ada' })
  expect(offline).toEqual([{ userId: 'ada' }])
})
