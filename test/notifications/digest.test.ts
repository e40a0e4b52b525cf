import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { DigestService } from '../../src/modules/notifications/digest/digest.service.js'
import { register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { MailServer } from '../support/mail-server.js'
import { newProject, newTask, race, rows } from '../work/support.js'
import { catchUp, notificationsOf } from './support.js'

let mail: MailServer
let app: TestApp
let ann: TestUser
let ben: TestUser
let workspaceId: string
let project: { id: string }

beforeAll(async () => {
  mail = await MailServer.start()
  app = await startApp({ config: { smtp: { url: mail.url, from: 'vibed@example.org' } } })
  ann = await register(app.origin, 'Ann')
})
afterAll(async () => {
  await app.stop()
  await mail.stop()
})
beforeEach(async () => {
  await rows(app, 'update notification_settings set digest = false')
  ben = await register(app.origin, 'Ben')
  workspaceId = (await workspaceOf(ann, ben)).id
  project = await newProject(ann, workspaceId)
  await ben.api.data('PATCH', '/users/me', { timeZone: 'Europe/Berlin' })
  await ben.api.data('PATCH', '/notifications/settings', { email: false, digest: true })
})

/** As if he had been told at these moments. */
async function told(...moments: string[]) {
  for (const [n, moment] of moments.entries()) {
    const task = await newTask(ann.api, project.id, { title: `Task ${n}`, assigneeIds: [ben.id] })
    await catchUp(app)
    await rows(app, 'update notifications set created_at = $1 where task_id = $2', [moment, task.id])
  }
}
const since = (moment: string) =>
  rows(app, 'update notification_settings set digest_sent_at = $1 where user_id = $2', [moment, ben.id])
const send = (moment: string) => app.container.resolve(DigestService).send(Date.parse(moment))
const letters = () => mail.to(ben.email).filter(({ subject }) => subject.includes('unread'))
async function letter(count = 1) {
  await vi.waitFor(() => expect(letters()).toHaveLength(count), 5_000)
  return letters().at(-1)
}

describe('the digest', () => {
  test('comes at eight in the morning, of the day before, once, by his own clock', async () => {
    // The night to the 29th is that in which clocks go forward.
    await told(
      '2026-03-27T22:59:00Z',
      '2026-03-27T23:00:00Z',
      '2026-03-28T22:59:00Z',
      '2026-03-28T23:00:00Z',
      '2026-03-29T21:59:00Z',
      '2026-03-29T22:00:00Z',
    )
    await since('2026-03-28T07:00:00Z')
    expect(await send('2026-03-29T05:59:59Z')).toBe(0)
    expect(await send('2026-03-29T06:00:00Z')).toBe(1)
    const first = await letter()
    expect(first?.subject).toBe('Your unread notifications of 2026-03-28')
    expect(first?.text.match(/Task \d/g)).toEqual(['Task 1', 'Task 2'])
    expect(await send('2026-03-29T20:00:00Z')).toBe(0)
    expect(await send('2026-03-30T06:00:00Z')).toBe(1)
    expect((await letter(2))?.text.match(/Task \d/g)).toEqual(['Task 3', 'Task 4'])
  })

  test('leaves out what is read, and what he may not see any more; of nothing there is none', async () => {
    await told('2026-05-01T12:00:00Z', '2026-05-01T13:00:00Z')
    const [first] = await notificationsOf(ben)
    await ben.api.data('PATCH', `/notifications/${first?.id}/read`)
    await since('2026-05-01T07:00:00Z')
    expect(await send('2026-05-02T06:00:00Z')).toBe(1)
    expect((await letter())?.text.match(/Task \d/g)).toEqual(['Task 1'])
    await since('2026-05-01T07:00:00Z')
    await ann.api.data('DELETE', `/workspaces/${workspaceId}/members/${ben.id}`)
    expect(await send('2026-05-02T06:00:00Z')).toBe(0)
  })

  test('begins the morning after he asked for it', async () => {
    await ben.api.data('PATCH', '/notifications/settings', { digest: false })
    await ben.api.data('PATCH', '/notifications/settings', { digest: true })
    const now = Date.now()
    await told(new Date(now - 36 * 3_600_000).toISOString())
    expect(await app.container.resolve(DigestService).send(now)).toBe(0)
  })

  test('is sent once by nodes that are at it at once', async () => {
    await told('2026-05-01T12:00:00Z')
    await since('2026-05-01T07:00:00Z')
    const sent = await race(6, () => send('2026-05-02T06:00:00Z'))
    expect(sent.reduce((sum, count) => sum + count)).toBe(1)
    await letter()
  })

  test('names fifty, and says that there are more', async () => {
    await told('2026-05-01T12:00:00Z')
    await rows(
      app,
      `insert into notifications (id, user_id, seq, workspace_id, type, actor_id, task_id, data, dedupe_key, created_at)
       select gen_random_uuid(), user_id, seq + n, workspace_id, type, actor_id, task_id, data, n::text, created_at
       from notifications, generate_series(1, 60) n where user_id = $1`,
      [ben.id],
    )
    await since('2026-05-01T07:00:00Z')
    await send('2026-05-02T06:00:00Z')
    const lines = (await letter())?.text.split('\n').filter(line => line.startsWith('- ')) ?? []
    expect(lines).toHaveLength(51)
    expect(lines.at(-1)).toBe('- and more')
  })
})
