import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { register, registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { newProject, newTask, problemOf, rows, statementsOf } from '../work/support.js'
import { asked, type Found, highlighted, named, search, walkSearch } from './support.js'

describe.each(['postgres', 'embedded'] as const)('a search on %s', on => {
  let app: TestApp
  let ann: TestUser
  let bob: TestUser
  let workspaceId: string

  beforeAll(async () => {
    app = await startApp({ on })
    ;[ann, bob] = await registerAll(app.origin, 'Ann', 'Bob')
    workspaceId = (await workspaceOf(ann, bob)).id
  })
  afterAll(() => app.stop())

  /** A word that nothing else has. */
  const word = () => `z${randomUUID().replaceAll('-', '')}`
  const find = (q: string, more = '') => search(ann, workspaceId, q, more)
  const project = () => newProject(ann, workspaceId)
  const task = async (fields: object) => newTask(ann.api, (await project()).id, fields)
  const comment = (taskId: string, content: string) =>
    ann.api.data('POST', `/tasks/${taskId}/comments`, { content })
  const channel = (fields: object = {}) =>
    ann.api.data('POST', `/workspaces/${workspaceId}/channels`, {
      name: randomUUID(),
      type: 'public',
      ...fields,
    })
  const message = (channelId: string, content: string, by = ann) =>
    by.api.data('POST', `/channels/${channelId}/messages`, { content })
  const attachment = async (taskId: string, fileName: string): Promise<string> => {
    const [{ id }] = await rows(
      app,
      `insert into attachments (id, workspace_id, task_id, uploader_id, file_name, content_type, size, storage_key)
       values (gen_random_uuid(), $1, $2, $3, $4, 'application/pdf', 1, gen_random_uuid()) returning id`,
      [workspaceId, taskId, ann.id, fileName],
    )
    return id
  }

  describe('finds', () => {
    it('tasks by title and description, comments, messages and files by name, each with its place and author', async () => {
      const rare = word()
      const made = await task({ title: `Mend ${rare}`, description: 'At once' })
      const said = await comment(made.id, `I saw ${rare}, too`)
      const { id: channelId, name } = await channel()
      const { messageId } = await message(channelId, `Who did ${rare}?`)
      const fileId = await attachment(made.id, `${rare}-plan.pdf`)
      const hits = await find(rare)
      const { id: taskId, key, projectId } = made
      const onTask = { taskId, key, projectId, channelId: null }
      const author = { id: ann.id, username: ann.user.username }
      const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      const common = { author: expect.objectContaining(author), createdAt: at, rank: expect.any(Number) }
      const marks = (start: number) => [{ start, end: start + rare.length }]
      expect(hits).toEqual([
        {
          ...common,
          ...onTask,
          type: 'task',
          id: taskId,
          title: { text: `Mend ${rare}`, highlights: marks(5) },
          excerpt: null,
        },
        {
          ...common,
          ...onTask,
          type: 'attachment',
          id: fileId,
          title: { text: `${rare}-plan.pdf`, highlights: marks(0) },
          excerpt: null,
        },
        {
          ...common,
          type: 'message',
          id: messageId,
          title: { text: name, highlights: [] },
          excerpt: { text: `Who did ${rare}?`, highlights: marks(8) },
          projectId: null,
          taskId: null,
          key: null,
          channelId,
        },
        {
          ...common,
          ...onTask,
          type: 'comment',
          id: said.id,
          title: { text: `Mend ${rare}`, highlights: marks(5) },
          excerpt: { text: `I saw ${rare}, too`, highlights: marks(6) },
        },
      ])
      expect(hits.map(({ createdAt }) => createdAt)[0]).toBe(made.createdAt)
    })

    it('only what has all of the words, in any order and case, a task also across its title and description', async () => {
      const [one, two] = [word(), word()]
      await task({ title: `Both ${two}`, description: `and ${one}` })
      await task({ title: `Only ${one}` })
      const both = await task({ title: `Said ${one}` })
      await comment(both.id, `${one.toUpperCase()} then ${two}`)
      expect(named(await find(`${one} ${two}`))).toEqual([`task Both ${two}`, `comment Said ${one}`])
      expect(await find(`${two.toUpperCase()} ${one}`)).toHaveLength(2)
      expect(await find(`${one} ${two} ${word()}`)).toEqual([])
    })

    it('words by their beginnings, and those that are whole before the others', async () => {
      const rare = word()
      await task({ title: rare })
      await task({ title: `${rare}ing` })
      expect(named(await find(rare))).toEqual([`task ${rare}`, `task ${rare}ing`])
      expect(named(await find(rare.slice(0, 20)))).toEqual([`task ${rare}ing`, `task ${rare}`])
      expect(await find(rare.slice(1))).toEqual([])
    })

    it('a single letter only where it stands alone', async () => {
      const rare = word()
      await task({ title: `${rare} x` })
      await task({ title: `${rare} xy` })
      expect(named(await find(`${rare} x`))).toEqual([`task ${rare} x`])
    })

    it('phrases in quotes, and what is between odd ones as words', async () => {
      const rare = word()
      await task({ title: `the ${rare} falls` })
      await task({ title: `falls the ${rare}` })
      expect(named(await find(`"the ${rare} falls"`))).toEqual([`task the ${rare} falls`])
      expect(named(await find(`“${rare} falls”`))).toEqual([`task the ${rare} falls`])
      expect(await find(`"${rare.slice(0, 9)}"`)).toEqual([])
      expect(await find(`falls "the ${rare}"`)).toHaveLength(2)
      expect(await find(`"falls ${rare}`)).toHaveLength(2)
    })

    it.each([
      ['foo-bar', 'foo-b'],
      ['user_name', 'user_na'],
      ['v1.2.3', 'v1.2'],
      ['10.0.0.1', '10.0'],
      ['someone@example.com', 'someone@example.co'],
      ['https://example.com/some/page', 'https://example.com/some'],
      ['https://example.com/some/page', 'example.com'],
      ['C++', 'c++'],
      ["don't", "don't"],
      ['#bug', '#bug'],
      ['snake/path.ts', 'snake/path.ts'],
      ['ENG-42', 'eng-4'],
      ['2026-01-31', '2026-01'],
      ['two words', 'two-words'],
    ])('what is more than a word: %s by %s', async (text, q) => {
      const rare = word()
      await task({ title: `${rare} ${text} here` })
      expect(named(await find(`${rare} ${q}`))).toEqual([`task ${rare} ${text} here`])
    })

    it.each(['login-page_v2.final.pdf', 'login', 'page', 'v2', 'final.pdf', 'login-page', 'page_v2', 'Pdf'])(
      'a file by any part of its name: %s',
      async q => {
        const rare = word()
        const { id } = await task({ title: 'Files' })
        await attachment(id, `${rare}_login-page_v2.final.pdf`)
        expect(named(await find(`${rare} ${q}`))).toEqual([`attachment ${rare}_login-page_v2.final.pdf`])
      },
    )

    it.runIf(on === 'embedded')('letters of all scripts, whatever their case', async () => {
      const rare = word()
      const text = `${rare} Übersicht Отчёт हिन्दी مرحبا 中文测试`
      const { id } = await task({ title: text })
      await attachment(id, `${rare} Übersicht.pdf`)
      for (const q of ['übers', 'ОТЧ', 'हिन्', 'مرح', '中文']) {
        const [hit] = await find(`${rare} ${q}`, '&type=task')
        expect(highlighted(hit?.title)).toHaveLength(2)
      }
      expect(await find(`${rare} übersicht`, '&type=attachment')).toHaveLength(1)
    })
  })

  describe('orders', () => {
    it('titles before names of files, those before descriptions, those before what was said', async () => {
      const rare = word()
      const told = await task({ title: 'Told', description: rare })
      await task({ title: rare })
      await comment(told.id, rare)
      await attachment(told.id, `${rare}.pdf`)
      const hits = await find(rare)
      expect(named(hits)).toEqual([`task ${rare}`, `attachment ${rare}.pdf`, 'task Told', 'comment Told'])
      const ranks = hits.map(({ rank }) => rank)
      expect(ranks).toEqual(ranks.toSorted((one, other) => other - one))
      expect(ranks.every(rank => rank > 0 && rank < 1)).toBe(true)
    })

    it('what ranks alike by time, the newest first', async () => {
      const rare = word()
      const { id } = await channel()
      for (const n of [1, 2, 3]) await message(id, `${rare} ${n}`)
      expect((await find(rare)).map(({ excerpt }) => excerpt?.text)).toEqual(
        [3, 2, 1].map(n => `${rare} ${n}`),
      )
    })
  })

  describe('of a key', () => {
    it('gives its task first, in any case, then what names it', async () => {
      const made = await task({ title: 'Plain' })
      const { id, key } = made
      const naming = await task({ title: `${key} ${key} ${key}`, description: key })
      await comment(id, `See ${key}`)
      for (const q of [key, key.toLowerCase(), ` ${key} `]) {
        const hits = await find(q)
        expect(hits.map(hit => [hit.type, hit.key])).toEqual([
          ['task', key],
          ['task', naming.key],
          ['comment', key],
        ])
        expect(hits[0]).toMatchObject({ id, rank: 1, title: { text: 'Plain' } })
      }
      expect(named(await find(`${key} plain`))).not.toContain('task Plain')
      expect((await find(key, '&type=comment')).map(({ type }) => type)).toEqual(['comment'])
    })

    it('gives it once, and only on the first page', async () => {
      const { id, projectId, key } = await task({ title: 'Own' })
      await ann.api.data('PATCH', `/tasks/${id}`, { description: `I am ${key}` })
      for (let n = 0; n < 3; n++) await newTask(ann.api, projectId, { title: `After ${key}` })
      const hits = await walkSearch(ann, workspaceId, key, { limit: 1 })
      expect(named(hits)).toEqual([
        'task Own',
        'task After '.concat(key),
        `task After ${key}`,
        `task After ${key}`,
      ])
    })

    it('gives nothing of a task that is deleted, or that does not exist', async () => {
      const { id, key } = await task({ title: 'Gone' })
      expect(named(await find(key))).toEqual(['task Gone'])
      await ann.api.data('DELETE', `/tasks/${id}`)
      expect(await find(key)).toEqual([])
      expect(await find(key.replace(/-.*/, '-999999999'))).toEqual([])
      expect(await find(key.replace(/-.*/, '-99999999999'))).toEqual([])
    })
  })

  describe('highlights', () => {
    it('the parts that were searched for, in a text given as it is', async () => {
      const rare = word()
      const title = `<b onclick="x()">${rare}</b> & \u0001${rare.toUpperCase()}s\u0002 <mark>&lt;`
      const { id } = await task({ title, description: `List<${rare}> of ${rare}` })
      const [hit] = await find(rare)
      expect(hit?.title.text).toBe(title)
      expect(highlighted(hit?.title)).toEqual([rare, rare.toUpperCase()])
      expect(hit?.excerpt).toEqual({
        text: `List<${rare}> of ${rare}`,
        highlights: [
          { start: 5, end: 38 },
          { start: 43, end: 76 },
        ],
      })
      expect(hit?.id).toBe(id)
    })

    it('in a part of a long text around the first place, and never gives the whole', async () => {
      const rare = word()
      const { id } = await channel()
      await message(id, `${'far away '.repeat(3000)}${rare} ${'and on '.repeat(1500)}`)
      await message(id, `${rare}${'x'.repeat(39_000)}`)
      for (const { excerpt } of await find(rare)) {
        expect(excerpt?.text.length).toBeLessThanOrEqual(242)
        expect(highlighted(excerpt)).toEqual([rare])
      }
    })
  })

  describe('takes', () => {
    it('types to look for', async () => {
      const rare = word()
      const { id } = await task({ title: rare })
      await comment(id, rare)
      await attachment(id, rare)
      await message((await channel()).id, rare)
      const types = async (type: string) => (await find(rare, `&type=${type}`)).map(({ type }) => type)
      for (const type of ['task', 'comment', 'message', 'attachment'])
        expect(await types(type)).toEqual([type])
      expect(await types('comment,task,task')).toEqual(['task', 'comment'])
    })

    it('no query, type or limit that is none', async () => {
      for (const [query, field] of [
        ['', 'q'],
        ['q=', 'q'],
        ['q=%20', 'q'],
        ['q=%26%7C!%3C-%3E%3A*', 'q'],
        ['q=%22%22', 'q'],
        ['q=%F0%9F%98%80', 'q'],
        ['q=a%00b', 'q'],
        [`q=${'x'.repeat(201)}`, 'q'],
        [`q=${'ab+'.repeat(17)}`, 'q'],
        ['q=a&q=b', 'q'],
        ['q=a&type=user', 'type.0'],
        ['q=a&type=', 'type.0'],
        ['q=a&limit=0', 'limit'],
        ['q=a&limit=51', 'limit'],
        ['q=a&page=2', 'page'],
      ]) {
        const answer = await ann.api.get(`/workspaces/${workspaceId}/search?${query}`)
        expect(problemOf(answer), query).toBe(`422 VALIDATION_ERROR query.${field}`)
      }
    })

    it('no cursor of another search', async () => {
      const rare = word()
      for (let n = 0; n < 3; n++) await task({ title: `${rare} ${n}` })
      const { nextCursor } = (await asked(ann, workspaceId, rare, '&limit=1')).body.meta
      const forged = (...values: unknown[]) => Buffer.from(JSON.stringify(values)).toString('base64url')
      const [order = ''] = JSON.parse(Buffer.from(nextCursor, 'base64url').toString())
      const at = '2026-01-01T00:00:00.000Z'
      const good = (cursor: string) => asked(ann, workspaceId, rare, `&limit=1&cursor=${cursor}`)
      expect((await good(nextCursor)).status).toBe(200)
      expect((await good(forged(order, 5e-324, at, randomUUID(), at))).status).toBe(200)
      for (const cursor of [
        'nonsense',
        forged(order, 2, at, randomUUID(), at),
        forged(order, 'NaN', at, randomUUID(), at),
        forged(order, 0.5, 'infinity', randomUUID(), at),
        forged(order, 0.5, at, 'x', at),
        forged(order, 0.5, at, randomUUID()),
      ]) {
        expect(problemOf(await good(cursor)), cursor).toBe('422 INVALID_CURSOR')
      }
      const others = [
        await asked(ann, workspaceId, `${rare}x`, `&cursor=${nextCursor}`),
        await asked(ann, workspaceId, rare, `&type=task&cursor=${nextCursor}`),
      ]
      for (const answer of others) expect(problemOf(answer)).toBe('422 INVALID_CURSOR')
    })

    it('three statements at most, however much is found', async () => {
      const rare = word()
      const { id } = await task({ title: rare })
      const cost = (limit: number) =>
        statementsOf(app, () => asked(ann, workspaceId, rare, `&limit=${limit}`))
      const one = await cost(1)
      for (let n = 0; n < 20; n++) await comment(id, rare)
      expect([one, await cost(50)]).toEqual([2, 2])
    })
  })

  describe('knows', () => {
    it('what was just written and edited, and not what it said before', async () => {
      const [before, after] = [word(), word()]
      const made = await task({ title: before })
      const said = await comment(made.id, before)
      const { id: channelId } = await channel()
      const { messageId } = await message(channelId, before)
      expect(await find(before)).toHaveLength(3)
      await ann.api.data('PATCH', `/tasks/${made.id}`, { title: after })
      expect([(await find(before)).length, (await find(after)).length]).toEqual([2, 1])
      await ann.api.data('PATCH', `/comments/${said.id}`, { content: after })
      await ann.api.data('PATCH', `/messages/${messageId}`, { content: after })
      expect([(await find(before)).length, (await find(after)).length]).toEqual([0, 3])
    })

    it('nothing that was deleted, or that is on what was deleted', async () => {
      const rare = word()
      const types = async () => (await find(rare)).map(({ type }) => type).sort()
      const made = await task({ title: rare })
      const [said, unsaid] = [await comment(made.id, rare), await comment(made.id, rare)]
      const fileId = await attachment(made.id, rare)
      await attachment(made.id, rare)
      const { id: channelId } = await channel()
      const { messageId } = await message(channelId, rare)
      await message(channelId, rare)
      expect(await types()).toHaveLength(7)
      await ann.api.data('DELETE', `/comments/${said.id}`)
      await ann.api.data('DELETE', `/messages/${messageId}`)
      await rows(app, 'update attachments set deleted_at = now() where id = $1', [fileId])
      expect(await types()).toEqual(['attachment', 'comment', 'message', 'task'])
      expect((await find(rare)).map(({ id }) => id)).toContain(unsaid.id)
      await ann.api.data('DELETE', `/channels/${channelId}`)
      expect(await types()).toEqual(['attachment', 'comment', 'task'])
      await ann.api.data('DELETE', `/tasks/${made.id}`)
      expect(await types()).toEqual([])
      const another = await task({ title: rare })
      await comment(another.id, rare)
      expect(await types()).toEqual(['comment', 'task'])
      await ann.api.data('DELETE', `/projects/${another.projectId}`)
      expect([await types(), await find(another.key)]).toEqual([[], []])
    })
  })

  describe('shows', () => {
    /** The same word in every kind of place, and who finds it where. */
    async function everywhere() {
      const rare = word()
      const made = await task({ title: rare })
      await comment(made.id, rare)
      await attachment(made.id, rare)
      const open = await channel()
      const closed = await channel({ type: 'private' })
      await message(open.id, rare)
      await message(closed.id, rare)
      const seenBy = async (user: TestUser) => {
        const hits = await search(user, workspaceId, rare)
        return hits.map(({ type, channelId }) => (channelId === closed.id ? 'secret' : type)).sort()
      }
      return { rare, made, open, closed, seenBy }
    }
    const work = ['attachment', 'comment', 'task']

    it('members all but private channels, until they are added, and owners no more than that', async () => {
      const { closed, seenBy } = await everywhere()
      expect(await seenBy(ann)).toEqual([...work, 'message', 'secret'].sort())
      expect(await seenBy(bob)).toEqual([...work, 'message'].sort())
      await ann.api.data('POST', `/channels/${closed.id}/members`, { userId: bob.id })
      expect(await seenBy(bob)).toEqual([...work, 'message', 'secret'].sort())
      await ann.api.data('DELETE', `/channels/${closed.id}/members/${ann.id}`)
      expect(await seenBy(ann)).toEqual([...work, 'message'].sort())
    })

    it('guests only projects and channels that they were added to, and keys of no other', async () => {
      const gus = await register(app.origin, 'Gus')
      const path = `/workspaces/${workspaceId}/invite`
      const { token } = await ann.api.data('POST', path, { email: gus.email, role: 'guest' })
      await gus.api.data('POST', '/invitations/accept', { token })
      const { made, open, seenBy } = await everywhere()
      const byKey = () => search(gus, workspaceId, made.key)
      expect([await seenBy(gus), await byKey()]).toEqual([[], []])
      await ann.api.data('PUT', `/projects/${made.projectId}/members/${gus.id}`)
      expect(await seenBy(gus)).toEqual(work)
      expect(await byKey()).toHaveLength(1)
      await ann.api.data('POST', `/channels/${open.id}/members`, { userId: gus.id })
      expect(await seenBy(gus)).toEqual([...work, 'message'].sort())
      await ann.api.data('DELETE', `/projects/${made.projectId}/members/${gus.id}`)
      expect([await seenBy(gus), await byKey()]).toEqual([['message'], []])
    })

    it('nothing of another workspace, and nothing at all to who was removed', async () => {
      const { rare, made, seenBy } = await everywhere()
      const eve = await register(app.origin, 'Eve')
      const own = await workspaceOf(eve)
      expect(await search(eve, own.id, rare)).toEqual([])
      expect(await search(eve, own.id, made.key)).toEqual([])
      expect(problemOf(await asked(eve, workspaceId, rare))).toBe('404 WORKSPACE_NOT_FOUND')
      const rem = await register(app.origin, 'Rem')
      const path = `/workspaces/${workspaceId}/invite`
      const { token } = await ann.api.data('POST', path, { email: rem.email, role: 'member' })
      await rem.api.data('POST', '/invitations/accept', { token })
      expect(await seenBy(rem)).toHaveLength(4)
      await ann.api.data('DELETE', `/workspaces/${workspaceId}/members/${rem.id}`)
      expect(problemOf(await asked(rem, workspaceId, rare))).toBe('404 WORKSPACE_NOT_FOUND')
    })
  })

  describe('is walked', () => {
    const many = (channelId: string, content: string, count: number, firstPosition = 1) =>
      rows(
        app,
        `insert into messages (id, channel_id, sender_id, content, position, seq, created_at, updated_at)
         select gen_random_uuid(), $1, $2, $3, n, n, at, at
         from generate_series($4::int, $4::int + $5::int - 1) n, lateral (select timestamptz '2026-01-01' + (n / 20) * interval '1 s' as at) t`,
        [channelId, ann.id, content, firstPosition, count],
      )

    it('through ties, by pages of any size, to each hit once and in one order', async () => {
      const rare = word()
      const { id } = await channel()
      await many(id, rare, 100)
      await many(id, `${rare} ${rare}`, 45, 101)
      // As old as the messages, and ranked alike.
      await rows(
        app,
        `insert into comments (id, workspace_id, task_id, author_id, content, created_at, updated_at)
         select gen_random_uuid(), $1, $2, $3, content, created_at, created_at from messages where channel_id = $4`,
        [workspaceId, (await task({ title: 'Ties' })).id, ann.id, id],
      )
      const whole = await walkSearch(ann, workspaceId, rare)
      expect(new Set(whole.map(({ id }) => id)).size).toBe(290)
      const order = (hit: Found) => `${hit.rank} ${hit.createdAt} ${hit.id}`
      const sorted = whole.map(order).toSorted().toReversed()
      for (const limit of [7, 44]) {
        expect((await walkSearch(ann, workspaceId, rare, { limit })).map(order)).toEqual(sorted)
      }
    })

    it('to the newest 1,000 messages, each once, while others write', async () => {
      const rare = word()
      const { id } = await channel()
      await many(id, rare, 1_100)
      await rows(app, 'update channels set last_seq = 1100 where id = $1', [id])
      const there = await rows(
        app,
        'select id from messages where channel_id = $1 order by created_at desc, id desc limit 1000',
        [id],
      )
      const hits = await walkSearch(ann, workspaceId, rare, {
        limit: 40,
        between: () => message(id, `${rare} ${rare} ${rare}`),
      })
      expect(hits.map(({ id }) => id)).toEqual(there.map(({ id }) => id))
    })

    it('to a task by its key, though a thousand newer ones have the words', async () => {
      const made = await project()
      const { id, key } = await newTask(ann.api, made.id, { title: 'First' })
      await rows(
        app,
        `insert into tasks (id, workspace_id, project_id, number, title, status, reporter_id, rank, seq, created_at, updated_at)
         select gen_random_uuid(), $1, $2, n, $4, 'todo', $3, lpad(n::text, 8, '0') || 'V', n, at, at
         from generate_series(2, 1102) n, lateral (select now() + n * interval '1 ms' as at) t`,
        [workspaceId, made.id, ann.id, `Names ${key}`],
      )
      await ann.api.data('PATCH', `/tasks/${id}`, { description: key })
      expect((await find(key, '&limit=1')).map(({ title }) => title.text)).toEqual(['First'])
    })
  })
})
