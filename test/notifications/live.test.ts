import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { followed } from '../support/metrics.js'
import { newProject, newTask, problemOf, race, rows } from '../work/support.js'
import { lookedAt, NotificationStream, notificationsOf } from './support.js'

let app: TestApp
let ann: TestUser
let ben: TestUser
let project: { id: string }
const open: NotificationStream[] = []

beforeAll(async () => {
  app = await startApp({ notifies: true })
  ann = await register(app.origin, 'Ann')
})
afterAll(() => app.stop())
beforeEach(async () => {
  ben = await register(app.origin, 'Ben')
  const { id } = await workspaceOf(ann, ben)
  project = await newProject(ann, id)
  await lookedAt(app, id)
  // Whether he was told of the invitation depends on who was faster: he, or the one who tells.
  await rows(app, 'delete from notifications')
  await rows(app, 'delete from notification_sequences')
  await assign(1)
  await vi.waitFor(async () => expect(await lastSeq()).toBe(1), 5_000)
})
afterEach(() => {
  for (const stream of open.splice(0)) stream.close()
})

const listen = (query = '', lastEventId?: string) => {
  const stream = new NotificationStream(ben, query, lastEventId)
  open.push(stream)
  return stream
}
const assign = (n: number) => newTask(ann.api, project.id, { title: `Task ${n}`, assigneeIds: [ben.id] })
const lastSeq = async () =>
  (await rows(app, 'select last_seq from notification_sequences where user_id = $1', [ben.id]))[0]?.last_seq
const seqsOf = (stream: NotificationStream) => stream.rows.map(({ seq }) => seq)
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, n) => first + n)

describe('the stream of notifications', () => {
  test('tells what comes, each as it is listed, with its sequence for an id', async () => {
    const stream = listen()
    expect(await stream.ready()).toEqual({ event: 'ready', id: '1', data: { lastSeq: 1 } })
    await assign(2)
    const told = await stream.next(({ seq }) => seq === 2)
    expect(told).toEqual((await notificationsOf(ben)).at(-1))
    expect(stream.lastEventId).toBe('2')
  })

  test('begins with what was missed, and goes on without a hole or an overlap', async () => {
    for (let n = 2; n <= 4; n++) await assign(n)
    await vi.waitFor(async () => expect(await lastSeq()).toBe(4), 5_000)
    const [byHeader, byQuery] = [listen('', '2'), listen('?since=0')]
    await Promise.all([byHeader.ready(), byQuery.ready()])
    expect([seqsOf(byHeader), seqsOf(byQuery)]).toEqual([[3, 4], upTo(4)])
    await assign(5)
    await Promise.all([byHeader, byQuery].map(stream => stream.next(({ seq }) => seq === 5)))
    expect([seqsOf(byHeader), seqsOf(byQuery)]).toEqual([[3, 4, 5], upTo(5)])
  })

  test('misses nothing, in order, when it is cut again and again while many are notified', async () => {
    let done = false
    const heard: number[] = []
    const listening = (async () => {
      let lastEventId: string | undefined = '0'
      while (!done) {
        const stream = listen('', lastEventId)
        await Promise.race([
          stream.until(() => stream.rows.length > 5 || undefined),
          delay(50 + Math.random() * 200),
        ])
        stream.close()
        heard.push(...seqsOf(stream))
        lastEventId = stream.lastEventId ?? lastEventId
      }
      const rest = listen('', lastEventId)
      await rest.ready()
      heard.push(...seqsOf(rest))
    })()
    await race(8, async () => {
      for (let n = 0; n < 8; n++) await assign(n)
    })
    await vi.waitFor(async () => expect(await lastSeq()).toBe(65), 10_000)
    done = true
    await listening
    expect(heard).toEqual(upTo(65))
  })

  test('finds what nobody told this server of', async () => {
    const stream = listen()
    await stream.ready()
    await rows(
      app,
      `with stepped as (update notification_sequences set last_seq = last_seq + 1 where user_id = $1 returning last_seq)
       insert into notifications (id, user_id, seq, workspace_id, type, data, dedupe_key)
       select gen_random_uuid(), $1, last_seq, $2, 'task.overdue', '{}', 'unheard' from stepped`,
      [ben.id, (await notificationsOf(ben))[0]?.workspaceId],
    )
    await stream.next(({ seq }) => seq === 2)
  })

  test('says reset where too much was missed, and to who claims to know what has not happened', async () => {
    await rows(
      app,
      `with stepped as (update notification_sequences set last_seq = 502 where user_id = $1)
       insert into notifications (id, user_id, seq, workspace_id, type, data, dedupe_key)
       select gen_random_uuid(), $1, n, $2, 'task.overdue', '{}', n::text from generate_series(2, 502) n`,
      [ben.id, (await notificationsOf(ben))[0]?.workspaceId],
    )
    expect(await listen('?since=1').ready()).toEqual({ event: 'reset', id: '502', data: { lastSeq: 502 } })
    expect((await listen('?since=1000').ready()).event).toBe('reset')
    const stream = listen('?since=2')
    expect((await stream.ready()).event).toBe('ready')
    expect(seqsOf(stream)).toEqual(upTo(502, 3))
  })

  test.each(['abc', '-1', '1.5'])('takes no Last-Event-ID %s', async id => {
    const answer = await ben.api.get('/notifications/live', { headers: { 'last-event-id': id } })
    expect(problemOf(answer)).toBe('422 VALIDATION_ERROR headers.last-event-id')
  })

  test('opens with a ticket, and ends with the session', async () => {
    const { ticket } = await ben.api.data('POST', '/auth/stream-tickets', { path: '/notifications/live' })
    const response = await fetch(`${app.origin}/api/v1/notifications/live?ticket=${ticket}`)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const stream = listen()
    await stream.ready()
    await ben.api.data('POST', '/auth/logout-all')
    await stream.end()
    await response.text()
  })

  test('is followed no more when its last listener has gone', async () => {
    const open = () => followed(app, 'notifications')
    await expect.poll(open, { timeout: 5_000 }).toBe(0)
    const streams = [listen(), listen()]
    await Promise.all(streams.map(stream => stream.ready()))
    expect(await open()).toBe(1)
    for (const stream of streams) stream.close()
    await expect.poll(open, { timeout: 5_000 }).toBe(0)
  })
})
