import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Events } from '../../src/events.js'
import { type ChatSocket, ChatSockets } from '../../src/modules/chat/chat-sockets.js'
import { CompanyBroadcaster } from '../../src/modules/chat/company.broadcaster.js'
import { register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { type ChatClient, connectChat } from '../support/chat.js'

let app: TestApp
let ann: TestUser
let ben: TestUser

beforeAll(async () => {
  app = await startApp()
  ann = await register(app.origin, 'Ann')
  ben = await register(app.origin, 'Ben')
})
afterAll(() => app.stop())

/** A client of Ben's, and its socket at the server, which is taken to lag. */
async function lagging() {
  const chat = await connectChat(app.origin, ben.accessToken)
  const [socket] = app.container.resolve(ChatSockets).local(chat.socket.id)
  if (!socket) throw new Error('the socket is not there')
  lag(socket, true)
  return { chat, socket }
}

const lag = (socket: ChatSocket, isLagging: boolean) =>
  app.container.resolve(CompanyBroadcaster).lag(socket, isLagging)
const online = (userName: string, ...workspaceIds: string[]) =>
  app.container.resolve(Events).deliver('presence.online', { userId: userName, userName, workspaceIds })
const offline = (userId: string, ...workspaceIds: string[]) =>
  app.container.resolve(Events).deliver('presence.offline', { userId, workspaceIds })

/** What a client heard of those whom the test made up. */
const heardOf = (chat: ChatClient, ...names: string[]) =>
  chat.heard
    .filter(({ event, data }) => event.startsWith('presence:') && names.includes(data.userId))
    .map(({ event, data }) => `${data.userId} ${event}`)

test('who lags hears the last word about each user once he has caught up', async () => {
  const { id } = await workspaceOf(ann, ben)
  const { chat, socket } = await lagging()
  online('Zoe', id)
  online('Yan', id)
  offline('Zoe', id)
  await chat.ask('channel:leave', { channelId: randomUUID() })
  expect(heardOf(chat, 'Zoe', 'Yan')).toEqual([])
  lag(socket, false)
  await chat.next('presence:online', ({ userId }) => userId === 'Yan')
  expect(heardOf(chat, 'Zoe', 'Yan')).toEqual(['Zoe presence:offline', 'Yan presence:online'])
  chat.close()
})

test('who is taken out of a workspace while he lags hears nothing of its members afterwards', async () => {
  const [left, kept] = [await workspaceOf(ann, ben), await workspaceOf(ann, ben)]
  const { chat, socket } = await lagging()
  online('Lea', left.id)
  online('Kim', kept.id)
  online('Max', left.id, kept.id)
  await ann.api.data('DELETE', `/workspaces/${left.id}/members/${ben.id}`)
  lag(socket, false)
  await chat.next('presence:online', ({ userId }) => userId === 'Max')
  expect(heardOf(chat, 'Lea', 'Kim', 'Max')).toEqual(['Kim presence:online', 'Max presence:online'])
  chat.close()
})
