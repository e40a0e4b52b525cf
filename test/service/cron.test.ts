import { randomUUID } from 'node:crypto'
import { Container } from '@forinda/kickjs-core'
import { getCronJobs } from '@forinda/kickjs-cron'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { CONFIG, loadConfig } from '../../src/config.js'
import { Database } from '../../src/db/database.js'
import { NodeJobs, SharedJobs } from '../../src/modules/cron/cron.jobs.js'
import { SharedTurns } from '../../src/modules/cron/shared-turns.js'
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
    'NodeJobs.reconcilePresence': '* * * * *',
    'SharedJobs.removeExpired': '7 * * * *',
    'SharedJobs.remindOfDates': '*/15 * * * *',
    'SharedJobs.sendDigests': '*/15 * * * *',
    'SharedJobs.sweepFiles': '41 3 * * *',
    'SharedJobs.mendCounters': '19 4 * * *',
  })
})

describe('the reconciliation of presence', () => {
  test('takes out who has no socket any more, and nobody else', async () => {
    const [presence, jobs] = [app.container.resolve(PresenceService), app.container.resolve(NodeJobs)]
    const user = await register(app.origin)
    const { id: workspaceId } = await user.api.data('POST', '/workspaces', { name: 'Team' })
    const chat = await connectChat(app.origin, user.accessToken)
    const ghost = { userId: randomUUID(), userName: 'Ghost' }
    presence.connect(ghost, 'a socket that is gone', [workspaceId])
    expect(presence.onlineCount(workspaceId)).toBe(2)
    await jobs.reconcilePresence()
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
      await rows(
        app,
        `insert into rate_limits (key, expire) select ${token}, extract(epoch from ${expires}) * 1000 ${series}`,
      )
    }
    const tables = [
      'stream_tickets',
      'password_resets',
      'refresh_tokens',
      'sessions',
      'idempotency_keys',
      'rate_limits',
    ]
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

describe('a turn of a job for all nodes', () => {
  const noon = new Date('2026-03-01T12:00:00.000Z')
  const later = new Date('2026-03-01T12:15:00.000Z')
  const stops: (() => Promise<void>)[] = []
  let url: string

  beforeEach(async () => {
    const cloned = await cloneDatabase()
    url = cloned.url
    stops.push(cloned.drop)
  })
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  })

  /** A node with a pool of one, of which nothing would be left for the work if the lock took from it. */
  async function newNode() {
    const database = await Database.open({ url, poolSize: 1 })
    stops.push(() => database.close())
    const config = { ...loadConfig({}), databaseUrl: url }
    const container = new Container().registerInstance(Database, database).registerInstance(CONFIG, config)
    const leaving = new AbortController()
    const turns = container.resolve(SharedTurns)
    const turnOf = (dueAt: Date) => ({
      job: { name: 'Jobs.work', expression: '*/15 * * * *', handlerName: 'work' },
      dueAt,
      stopping: leaving.signal,
    })
    const take = (dueAt: Date, work: () => Promise<void>) => turns.take(turnOf(dueAt), work)
    return { database, take, leave: () => leaving.abort() }
  }
  const twoNodes = () => Promise.all([newNode(), newNode()])

  /** Work that is counted, and goes on until it is told to end. */
  function longWork(database: Database) {
    let [begin, end] = [() => {}, () => {}]
    const begun = new Promise<void>(resolve => {
      begin = resolve
    })
    const ended = new Promise<void>(resolve => {
      end = resolve
    })
    const work = vi.fn(async () => {
      await database.ping()
      begin()
      await ended
    })
    return { work, begun, end }
  }

  const locks = async (isGranted: boolean) => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    const { rows } = await client.query(
      `select pid from pg_locks join pg_database on pg_database.oid = database
       where locktype = 'advisory' and granted = $1 and datname = current_database()`,
      [isGranted],
    )
    await client.end()
    return rows.map(({ pid }) => Number(pid))
  }
  const somebodyWaits = () => vi.waitFor(async () => expect(await locks(false)).toHaveLength(1))

  test('runs on one node, the next turn on the one that comes first', async () => {
    const nodes = await twoNodes()
    const runs = [vi.fn(async () => {}), vi.fn(async () => {})]
    const all = (dueAt: Date) => Promise.all(nodes.map(({ take }, n) => take(dueAt, runs[n] ?? expect.fail)))
    await all(noon)
    await all(noon)
    const counts = () => runs.map(({ mock }) => mock.calls.length)
    expect(counts().sort()).toEqual([0, 1])
    runs.forEach(run => void run.mockClear())
    await nodes[1].take(later, runs[1] ?? expect.fail)
    await nodes[0].take(later, runs[0] ?? expect.fail)
    expect(counts()).toEqual([0, 1])
  })

  test('is waited for by the others, who leave it out once it is done', async () => {
    const [one, other] = await twoNodes()
    const { work, begun, end } = longWork(one.database)
    const first = one.take(noon, work)
    await begun
    const again = vi.fn(async () => {})
    const second = other.take(noon, again)
    await somebodyWaits()
    end()
    await Promise.all([first, second])
    expect(work).toHaveBeenCalledTimes(1)
    expect(again).not.toHaveBeenCalled()
  })

  test('is not for a node that comes after a later one was done', async () => {
    const [one, other] = await twoNodes()
    await one.take(later, async () => {})
    const again = vi.fn(async () => {})
    await other.take(noon, again)
    expect(again).not.toHaveBeenCalled()
  })

  test('is taken over from a node whose connection ends in the middle', async () => {
    const [one, other] = await twoNodes()
    const { work, begun, end } = longWork(one.database)
    const first = one.take(noon, work)
    await begun
    const again = vi.fn(async () => {})
    const second = other.take(noon, again)
    await somebodyWaits()
    const [holder] = await locks(true)
    await other.database.query.execute(`select pg_terminate_backend(${holder})`)
    await second
    expect(again).toHaveBeenCalledTimes(1)
    end()
    await first
  })

  test('that fails is left to another node', async () => {
    const [one, other] = await twoNodes()
    await expect(one.take(noon, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    const again = vi.fn(async () => {})
    await other.take(noon, again)
    await one.take(noon, again)
    expect(again).toHaveBeenCalledTimes(1)
  })

  test('is not waited for by a node that stops', async () => {
    const [one, other] = await twoNodes()
    const { work, begun, end } = longWork(one.database)
    const first = one.take(noon, work)
    await begun
    const again = vi.fn(async () => {})
    const second = other.take(noon, again)
    await somebodyWaits()
    other.leave()
    await second
    await other.take(later, again)
    expect(again).not.toHaveBeenCalled()
    end()
    await first
    await vi.waitFor(async () => expect([...(await locks(true)), ...(await locks(false))]).toEqual([]))
  })

  test('is not put off by a node whose clock was far ahead', async () => {
    const [one, other] = await twoNodes()
    const hours = (count: number) => new Date(Date.now() + count * 60 * 60 * 1_000)
    await one.take(hours(24), async () => {})
    const run = vi.fn(async () => {})
    await other.take(hours(0), run)
    await one.take(hours(0.5), run)
    await other.take(hours(0.25), run)
    expect(run).toHaveBeenCalledTimes(2)
  })

  test('runs on the embedded database, which is of one process alone', async () => {
    const database = await Database.open({})
    const container = new Container().registerInstance(Database, database)
    container.registerInstance(CONFIG, loadConfig({ DATABASE_DIRECT_URL: 'postgres://nowhere.invalid/x' }))
    const job = { name: 'Jobs.work', expression: '* * * * *', handlerName: 'work' }
    const run = vi.fn(() => database.ping())
    const stopping = new AbortController().signal
    await container.resolve(SharedTurns).take({ job, dueAt: noon, stopping }, run)
    expect(run).toHaveBeenCalledTimes(1)
    await database.close()
  })
})
