import { randomUUID } from 'node:crypto'
import { getCronJobs } from '@forinda/kickjs-cron'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runAlone } from '../../src/db/advisory-lock.js'
import { Database } from '../../src/db/database.js'
import { NodeJobs, SharedJobs } from '../../src/modules/cron/cron.jobs.js'
import { PresenceService } from '../../src/modules/presence/presence.service.js'
import { register } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { connectChat } from '../support/chat.js'
import { cloneDatabase } from '../support/database.js'
import { rows } from '../work/support.js'

let app: TestApp

beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.stop())

test('the timetable says when what is done', () => {
  const times = [NodeJobs, SharedJobs].flatMap(getCronJobs).map(({ name, expression }) => [name, expression])
  expect(Object.fromEntries(times)).toEqual({
    'NodeJobs.sweepPresence': '*/5 * * * *',
    'SharedJobs.removeExpired': '7 * * * *',
    'SharedJobs.remindOfOverdue': '*/15 * * * *',
  })
})

describe('the presence sweep', () => {
  test('takes out who has no socket any more, and nobody else', async () => {
    const [presence, jobs] = [app.container.resolve(PresenceService), app.container.resolve(NodeJobs)]
    const user = await register(app.origin)
    const { id: workspaceId } = await user.api.data('POST', '/workspaces', { name: 'Team' })
    const chat = await connectChat(app.origin, user.accessToken)
    const ghost = { userId: randomUUID(), userName: 'Ghost' }
    presence.connect(ghost, 'a socket that is gone', [workspaceId])
    expect(presence.onlineCount(workspaceId)).toBe(2)
    jobs.sweepPresence()
    expect(presence.onlineIn(workspaceId)).toMatchObject([{ userId: user.id }])
    chat.close()
  })
})

describe('the removal of what has expired', () => {
  test('takes all of it, in batches, and nothing that is still valid', async () => {
    const user = await register(app.origin)
    const [{ id: sessionId }] = await rows(app, 'select id from sessions where user_id = $1', [user.id])
    const [past, future] = [`now() - interval '1 minute'`, `now() + interval '1 minute'`]
    const fill = async (count: number, expires: string) => {
      const series = `from generate_series(1, ${count})`
      const token = 'gen_random_uuid()::text'
      await rows(
        app,
        `insert into stream_tickets select ${token}, '${sessionId}', '/x', ${expires} ${series}`,
      )
      await rows(
        app,
        `insert into password_resets select ${token}, '${user.id}', now(), ${expires} ${series}`,
      )
      await rows(
        app,
        `insert into refresh_tokens select ${token}, '${sessionId}', now(), ${expires} ${series}`,
      )
      await rows(
        app,
        `insert into sessions (id, user_id, expires_at) select gen_random_uuid(), '${user.id}', ${expires} ${series}`,
      )
      await rows(
        app,
        `insert into idempotency_keys (owner, key, request_hash, locked_until, expires_at)
         select '${user.id}', ${token}, 'x', now(), ${expires} ${series}`,
      )
    }
    const tables = ['stream_tickets', 'password_resets', 'refresh_tokens', 'sessions', 'idempotency_keys']
    const counts = async () =>
      Promise.all(tables.map(async table => (await rows(app, `select count(*) as n from ${table}`))[0].n))
    await fill(3, future)
    const valid = await counts()
    await fill(2_500, past)
    await app.container.resolve(SharedJobs).removeExpired()
    expect(await counts()).toEqual(valid)
    expect((await user.api.get('/users/me')).status).toBe(200)
  })
})

describe('a job for all nodes', () => {
  /** Work that goes on until it is told to end. */
  function longWork() {
    let end = () => {}
    let begin = () => {}
    const begun = new Promise<void>(resolve => {
      begin = resolve
    })
    const ended = new Promise<void>(resolve => {
      end = resolve
    })
    const work = async () => {
      begin()
      await ended
    }
    return { work, begun, end }
  }

  test('runs on one of them at a time, and on another the next time', async () => {
    const cloned = await cloneDatabase()
    // A pool of one would have nothing left for the work if the lock took from it.
    const nodes = [
      await Database.open({ url: cloned.url, poolSize: 1 }),
      await Database.open({ url: cloned.url, poolSize: 1 }),
    ] as const
    const { work, begun, end } = longWork()
    const first = runAlone(nodes[0], 'job', async () => {
      await nodes[0].ping()
      await work()
    })
    await begun
    let runs = 0
    const count = async () => {
      runs++
    }
    expect(await runAlone(nodes[1], 'job', count)).toBe(false)
    expect(await runAlone(nodes[1], 'another job', count)).toBe(true)
    end()
    expect(await first).toBe(true)
    await expect.poll(() => runAlone(nodes[1], 'job', count)).toBe(true)
    expect(runs).toBe(2)
    await Promise.all(nodes.map(node => node.close()))
    await cloned.drop()
  })

  test('that fails gives its lock back', async () => {
    const database = app.container.resolve(Database)
    await expect(runAlone(database, 'job', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    await expect.poll(() => runAlone(database, 'job', async () => {})).toBe(true)
  })

  test('runs on the embedded database, which is of one process alone', async () => {
    const database = await Database.open({})
    expect(await runAlone(database, 'job', () => database.ping())).toBe(true)
    await database.close()
  })
})
