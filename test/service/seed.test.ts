import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Database } from '../../src/db/database.js'
import { demoLogins } from '../../src/db/seed/demo-logins.js'
import { sow } from '../../src/db/seed/sow.js'
import { NotificationsService } from '../../src/modules/notifications/notifications.service.js'
import { Api } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { startServer, temporaryFolder } from '../support/process.js'
import { rows } from '../work/support.js'

describe.each(['postgres', 'embedded'] as const)('the demo data, on %s', on => {
  let app: TestApp

  beforeAll(async () => {
    app = await startApp({ on })
  })
  afterAll(() => app.stop())

  const logins = () => demoLogins(app.container.resolve(Database))

  async function signIn(login: string) {
    const [email, password] = login.split(/\s+/)
    const { accessToken } = await new Api(app.origin).data('POST', '/auth/login', { email, password })
    return new Api(app.origin, accessToken)
  }

  /** How many rows there are of everything, and the state of every sequence. */
  async function inventory() {
    const tables = [
      'users',
      'sessions',
      'workspace_members',
      'task_labels',
      'task_assignees',
      'channel_reads',
    ]
    const counts = await Promise.all(tables.map(table => rows(app, `select count(*) from ${table}`)))
    const sequences = await rows(
      app,
      `select id, last_seq from workspaces union all select id, last_seq from projects
       union all select id, last_seq from channels order by id`,
    )
    return { counts, sequences }
  }

  test('there are no logins before there is any', async () => {
    expect(await logins()).toEqual([])
  })

  test('is a team whose five people can sign in, in three workspaces', async () => {
    expect(await sow(app.container)).toBe(true)
    const people = await logins()
    expect(people).toHaveLength(5)
    const workspaces = new Set<string>()
    for (const login of people) {
      for (const { id } of await (await signIn(login)).data('GET', '/workspaces')) workspaces.add(id)
    }
    expect(workspaces.size).toBe(3)
    const operators = await rows(app, 'select email from users where is_operator')
    expect(operators).toEqual([{ email: 'ada@example.com' }])
  })

  test('is sown once: a second time changes nothing', async () => {
    const before = await inventory()
    expect(await sow(app.container)).toBe(false)
    expect(await inventory()).toEqual(before)
  })

  test('has tasks in every status, with labels, assignees, due dates and subtasks', async () => {
    const found = await rows(
      app,
      `select distinct status from tasks union all
       select 'labels' where exists (select 1 from task_labels) union all
       select 'assignees' where exists (select 1 from task_assignees) union all
       select 'due' where exists (select 1 from tasks where due_date > now()) union all
       select 'subtasks' where exists (select 1 from tasks where parent_task_id is not null)`,
    )
    expect(found.map(({ status }) => status).sort()).toEqual(
      [
        'assignees',
        'backlog',
        'cancelled',
        'done',
        'due',
        'in_progress',
        'in_review',
        'labels',
        'subtasks',
        'todo',
      ].sort(),
    )
    expect(await app.container.resolve(NotificationsService).remindOfOverdue(Date.now())).toBeGreaterThan(2)
  })

  test('has public and private channels with threads, mentions, and something left to read', async () => {
    const ada = await signIn((await logins())[0] ?? '')
    const [{ id: workspaceId }] = await ada.data('GET', '/workspaces')
    const channels = await ada.data('GET', `/workspaces/${workspaceId}/channels`)
    expect(new Set(channels.map(({ type }: { type: string }) => type))).toEqual(
      new Set(['public', 'private']),
    )
    const mobile = channels.find(({ name }: { name: string }) => name === 'mobile')
    expect(mobile).toMatchObject({ unread: 3, mentions: 1 })
    const messages = await ada.data('GET', `/channels/${mobile.id}/messages?sort=createdAt`)
    expect(messages.some(({ parentId }: { parentId: string | null }) => parentId !== null)).toBe(true)
    expect(messages.some(({ mentions }: { mentions: string[] }) => mentions.length > 0)).toBe(true)
    const times = messages.map(({ createdAt }: { createdAt: string }) => createdAt)
    expect(times).toEqual([...times].sort())
    expect(Date.parse(times.at(-1)) - Date.parse(times[0])).toBeGreaterThan(86_400_000)
  })

  test('has people who were notified of it, in the order of its time, and have read most', async () => {
    const told = await rows(
      app,
      `select count(*), count(read_at) as read, count(distinct user_id) as people, count(distinct type) as types,
         bool_and(created_at >= before) as "isInOrder" from (
           select *, lag(created_at, 1, created_at) over (partition by user_id order by seq) as before from notifications
           where type <> 'task.overdue') n`,
    )
    expect(told).toMatchObject([{ isInOrder: true, people: 5 }])
    expect(told[0].count).toBeGreaterThan(20)
    expect(told[0].types).toBeGreaterThan(2)
    expect(told[0].read).toBeGreaterThan(told[0].count / 2)
    expect(told[0].read).toBeLessThan(told[0].count)
  })

  test('is whole: no gap in any sequence, nothing before its beginning or after now', async () => {
    const wrong = await rows(
      app,
      `select 'activities' from workspaces w where last_seq <> (select count(*) from activities a where a.workspace_id = w.id)
       union all select 'keys' from projects p where last_task_number <> (select count(*) from tasks t where t.project_id = p.id)
       -- A reply takes two numbers: its own, and one for the message that it replies to.
       union all select 'messages' from channels c where last_seq <>
         (select count(*) + count(parent_id) from messages m where m.channel_id = c.id)
       union all select 'threads' from messages m left join lateral
         (select count(*) as replies, max(created_at) as last_at from messages r where r.parent_id = m.id) t on true
         where reply_count <> replies or last_reply_at is distinct from last_at
       union all select 'notifications' from notification_sequences s
         where last_seq <> (select count(*) from notifications n where n.user_id = s.user_id)
           or last_seq <> (select max(seq) from notifications n where n.user_id = s.user_id)
       union all select 'early message' from messages m join channels c on c.id = m.channel_id where m.created_at < c.created_at
       union all select 'late' from tasks where updated_at > now() or created_at > updated_at or started_at > completed_at
       union all select 'milestones' from tasks where (completed_at is null) = (status = 'done')
       union all select 'signed in' from sessions where revoked_at is null and user_agent is null`,
    )
    expect(wrong).toEqual([])
  })
})

test('demo data of which only a part is there is not added to', async () => {
  const app = await startApp()
  const ada = { email: 'ada@example.com', password: 'something else', firstName: 'Ada', lastName: 'Other' }
  await new Api(app.origin).data('POST', '/auth/register', ada)
  await expect(sow(app.container)).rejects.toThrow('There is a user ada@example.com')
  expect(await demoLogins(app.container.resolve(Database))).toEqual([])
  await app.stop()
})

describe('npm run seed', () => {
  const script = fileURLToPath(new URL('../../dist/db/seed.js', import.meta.url))
  const run = (env: Record<string, string>) =>
    new Promise<{ code: number | null; stdout: string; stderr: string }>(resolve => {
      const child = execFile(process.execPath, [script], { env }, (_error, stdout, stderr) => {
        resolve({ code: child.exitCode, stdout, stderr })
      })
    })

  test('tells the logins, each time, and the server then has them', { timeout: 90_000 }, async () => {
    const folder = temporaryFolder()
    const first = await run({ VIBED_DATA_DIR: folder })
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout).toContain('ada@example.com  demo-password')
    const second = await run({ VIBED_DATA_DIR: folder })
    expect(second.stdout).toContain('seeded before')
    expect(second.stdout).toContain('ada@example.com  demo-password')
    const { origin } = await startServer({ VIBED_DATA_DIR: folder })
    const credentials = { email: 'ada@example.com', password: 'demo-password' }
    expect((await new Api(origin).post('/auth/login', credentials)).status).toBe(200)
  })

  test('is refused in one line while the server runs on the same folder', { timeout: 90_000 }, async () => {
    const folder = temporaryFolder()
    const { server } = await startServer({ VIBED_DATA_DIR: folder })
    const refused = await run({ VIBED_DATA_DIR: folder })
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(
      new RegExp(`^The data folder .* is in use by process ${server.pid}: .*\\n$`),
    )
  })
})
