import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { register, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { connectChat } from '../support/chat.js'
import { cloneDatabase } from '../support/database.js'

let database: Awaited<ReturnType<typeof cloneDatabase>>
let app: TestApp

beforeAll(async () => {
  database = await cloneDatabase()
  app = await startApp({ config: { databaseUrl: database.url } })
})
afterAll(async () => {
  await app.stop()
  await database.drop()
})

test('a transaction that holds one channel delays no other, however much waits for it, and what waits keeps its order', async () => {
  const user = await register(app.origin)
  const { id } = await workspaceOf(user)
  const create = (name: string) =>
    user.api.data('POST', `/workspaces/${id}/channels`, { name, type: 'public' })
  const [held, free] = [await create('held'), await create('free')]
  const old = await user.api.data('POST', `/channels/${held.id}/messages`, { content: 'old' })
  const holder = new pg.Client(database.url)
  await holder.connect()
  await holder.query('begin')
  await holder.query('select 1 from channels where id = $1 for update', [held.id])

  const chat = await connectChat(app.origin, user.accessToken)
  const settled: string[] = []
  const send = async (channelId: string, content: string) => {
    const { seq } = await chat.data('message:send', { channelId, content })
    settled.push(content)
    return { content, seq }
  }
  const edits = Array.from({ length: 30 }, (_, n) =>
    user.api.patch(`/messages/${old.messageId}`, { content: `edit ${n}` }),
  )
  const waiting = []
  for (let n = 0; n < 20; n++) {
    waiting.push(send(held.id, `held ${n}`))
    await send(free.id, `free ${n}`)
  }
  expect(settled).toEqual(Array.from({ length: 20 }, (_, n) => `free ${n}`))

  await holder.query('commit')
  await holder.end()
  const seqs = (await Promise.all(waiting)).map(({ seq }) => seq)
  expect(seqs).toEqual([...seqs].sort((a, b) => a - b))
  for (const { status } of await Promise.all(edits)) expect(status).toBe(200)
  chat.close()
})
