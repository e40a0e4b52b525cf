import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { register, type TestUser, workspaceOf } from './support/api.js'
import { startApp, type TestApp } from './support/app.js'

const MESSAGES = 10_000
const PAGE = 50

let app: TestApp
let ann: TestUser
let channelId: string

beforeAll(async () => {
  app = await startApp()
  ann = await register(app.origin, 'Ann')
  const { id } = await workspaceOf(ann)
  channelId = (await ann.api.data('POST', `/workspaces/${id}/channels`, { name: 'long', type: 'public' })).id
  await app.database.query.execute(sql`
    insert into messages (id, channel_id, sender_id, content, position, seq, created_at, updated_at)
    select gen_random_uuid(), ${channelId}, ${ann.id}, n::text, n, n, at, at
    from generate_series(1, ${MESSAGES}::int) n, lateral (select timestamptz '2026-01-01' + (n / 20) * interval '1 s' as at) t`)
  await app.database.query.execute(sql`update channels set last_seq = ${MESSAGES} where id = ${channelId}`)
})
afterAll(() => app.stop())

test.each(['createdAt', '-createdAt'])(
  '10,000 messages, 20 to each timestamp: a walk by %s meets every earlier one exactly once while others write',
  async sort => {
    const seen: string[] = []
    let cursor: string | null = ''
    let writing = true
    const writer = (async () => {
      for (let n = 0; writing; n++) {
        const { body } = await ann.api.post(`/channels/${channelId}/messages`, { content: `new ${n}` })
        if (n % 3 === 0) await ann.api.patch(`/messages/${body.data.messageId}`, { content: `changed ${n}` })
        if (n % 5 === 0) await ann.api.delete(`/messages/${body.data.messageId}`)
      }
    })()
    while (cursor !== null) {
      const page = await ann.api.get(
        `/channels/${channelId}/messages?sort=${sort}&limit=${PAGE}${cursor && `&cursor=${cursor}`}`,
      )
      expect(page.status).toBe(200)
      seen.push(...page.body.data.map((message: { content: string }) => message.content))
      cursor = page.body.meta.nextCursor
      // Ascending, the walk would otherwise chase the writer.
      if (seen.length >= MESSAGES) writing = false
    }
    writing = false
    await writer
    const earlier = seen.filter(content => /^\d+$/.test(content))
    expect(earlier).toHaveLength(MESSAGES)
    expect(new Set(earlier).size).toBe(MESSAGES)
  },
  60_000,
)

test('a page costs the same statements at any depth and of any length', async () => {
  const cost = async (query: string) => {
    const before = app.statements()
    expect((await ann.api.get(`/channels/${channelId}/messages?${query}`)).status).toBe(200)
    return app.statements() - before
  }
  await cost('limit=1')
  const [one, hundred] = [await cost('limit=1'), await cost('limit=100')]
  const deep = await cost('limit=100&cursor=2026-01-01T00:00:10Z')
  expect([one, hundred, deep]).toEqual([1, 1, 1])
})
