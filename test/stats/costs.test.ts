import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { StatsRepository } from '../../src/modules/stats/stats.repository.js'
import { register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { newProject, rows, statementsOf } from '../work/support.js'

const NOON = Date.parse('2026-05-17T12:00:00.000Z')
const DAY_BEGINS = Date.parse('2026-05-17T00:00:00.000Z')
/** Forty days of hours, in which tasks are due. */
const HOURS = 960

let app: TestApp
let owner: TestUser
let workspaceId: string

/** Open tasks but for a quarter, a third of them dated, with a comment each. */
async function filled(count: number): Promise<string> {
  const { id } = await newProject(owner, workspaceId)
  await rows(
    app,
    `insert into tasks (id, workspace_id, project_id, number, title, status, reporter_id, rank, seq, due_date)
     select gen_random_uuid(), $1, $2, n, 'Raw', (array['todo', 'done', 'backlog', 'in_progress'])[1 + n % 4], $3, 'r' || n, n,
       case when n % 3 = 0 then $4::timestamptz - (n / 3 * 7 % $6::int + 0.5) * interval '1 hour' end
     from generate_series(1, $5::int) n`,
    [workspaceId, id, owner.id, new Date(NOON).toISOString(), count, HOURS],
  )
  await rows(
    app,
    `insert into comments (id, workspace_id, task_id, author_id, content)
     select gen_random_uuid(), workspace_id, id, $2, 'Seen' from tasks where project_id = $1`,
    [id, owner.id],
  )
  for (const table of ['tasks', 'comments', 'due_counts']) await rows(app, `vacuum analyze ${table}`)
  return id
}

/** How many rows and entries of indexes were read so far: of the tables that grow with the work, and of counters. */
async function read(): Promise<{ work: number; counters: number }> {
  await rows(app, 'select pg_stat_force_next_flush()')
  const [found] = await rows(
    app,
    `select sum(n) filter (where relname in ('tasks', 'comments', 'attachments')) as work,
       sum(n) filter (where relname in ('status_counts', 'due_counts', 'project_counts')) as counters
     from (
       select relname, seq_tup_read as n from pg_stat_user_tables
       union all select relname, idx_tup_read from pg_stat_user_indexes
     ) read`,
  )
  return { work: Number(found.work), counters: Number(found.counters) }
}

async function costOf(ask: () => Promise<unknown>) {
  const before = await read()
  await ask()
  const after = await read()
  return { work: after.work - before.work, counters: after.counters - before.counters }
}

describe.each(['postgres', 'embedded'] as const)('statistics on %s', on => {
  beforeAll(async () => {
    // Of one connection, which tells of itself what it has read.
    app = await startApp({ on, config: { databasePoolSize: 1 } })
    owner = await register(app.origin, 'Owner')
    workspaceId = (await workspaceOf(owner)).id
    await app.quiet()
  })
  afterAll(() => app.stop())

  test('read no tasks but the open ones of this day, and as many counters of 500 as of 8,000', {
    timeout: 120_000,
  }, async () => {
    const stats = app.container.resolve(StatsRepository)
    const costs = []
    for (const count of [500, 8_000]) {
      const id = await filled(count)
      // So often that the plan does not change any more.
      for (let n = 0; n < 7; n++) await stats.ofProject(id, NOON)
      const [dueToday] = await rows(
        app,
        `select count(*) as n from tasks
         where project_id = $1 and due_date >= $2 and due_date < $3 and status <> 'done'`,
        [id, ...[DAY_BEGINS, NOON].map(moment => new Date(moment).toISOString())],
      )
      const cost = await costOf(() => stats.ofProject(id, NOON))
      expect(cost.work).toBe(dueToday.n)
      expect(cost.work).toBeGreaterThan(0)
      expect(cost.work).toBeLessThan(count / 100)
      costs.push(cost.counters)
    }
    const [few = 0, many = 0] = costs
    expect(few).toBeGreaterThan(0)
    expect(many).toBeLessThanOrEqual(2 * few)
    expect((await costOf(() => stats.ofWorkspace(workspaceId))).work).toBe(0)
  })

  test('are one statement each, beside those of the session and of access', async () => {
    const stats = app.container.resolve(StatsRepository)
    for (const count of [1, 1_000]) {
      const id = await filled(count)
      const before = app.statements()
      await stats.ofProject(id, NOON)
      await stats.ofWorkspace(workspaceId)
      expect(app.statements() - before).toBe(2)
      expect(
        await statementsOf(app, () => owner.api.get(`/projects/${id}/stats`)),
        `of ${count} tasks`,
      ).toBeLessThanOrEqual(3)
    }
    expect(
      await statementsOf(app, () => owner.api.get(`/workspaces/${workspaceId}/stats`)),
    ).toBeLessThanOrEqual(3)
  })
})
