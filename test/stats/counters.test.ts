import { Logger } from '@forinda/kickjs-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Metrics } from '../../src/metrics/metrics.js'
import { SharedJobs } from '../../src/modules/cron/cron.jobs.js'
import { register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { newProject, newTask, race, rows } from '../work/support.js'
import { picker, randomSeed } from './picker.js'
import { type Company, randomRequest } from './random-requests.js'
import { type Ground, NOW, rawWrites } from './raw-writes.js'
import { expectNoDifference } from './recount.js'

/** In full with `STATS_OPERATIONS=10000`. */
const operations = (usual: number) => Number(process.env.STATS_OPERATIONS ?? usual)
const UPDATERS = 8

let app: TestApp
let owner: TestUser

async function newPlace(): Promise<Place> {
  const workspace = await workspaceOf(owner)
  const projects = [await newProject(owner, workspace.id), await newProject(owner, workspace.id)]
  return { workspaceId: workspace.id, projectIds: projects.map(({ id }) => id) }
}

async function newGround(): Promise<Ground> {
  return { ...(await newPlace()), userId: owner.id, numbers: [] }
}

const run = (text: string, values: unknown[]) => rows(app, text, values)
type Place = Pick<Ground, 'workspaceId' | 'projectIds'>
const agrees = ({ workspaceId, projectIds }: Place, now: number, hint = '') =>
  expectNoDifference(app, { workspaceIds: [workspaceId], projectIds }, now, hint)
const mend = () => app.container.resolve(SharedJobs).mendCounters()
const mended = async (counter: string) => {
  const { text } = await app.container.resolve(Metrics).exposition()
  return Number(new RegExp(`counters_mended_total\\{counter="${counter}"\\} (\\d+)`).exec(text)?.[1])
}
const allMended = () => Promise.all(['status', 'due', 'comments', 'attachments'].map(mended))

describe.each([
  ['postgres', 1_000, 320],
  ['embedded', 300, 80],
] as const)('the counters on %s', (on, rawOperations, requests) => {
  beforeAll(async () => {
    app = await startApp({ on })
    owner = await register(app.origin, 'Owner')
  })
  afterAll(() => app.stop())

  test('agree with a recount after random statements of every kind', { timeout: 600_000 }, async () => {
    const ground = await newGround()
    const seed = randomSeed()
    const writes = rawWrites({ pick: picker(seed), run, ground, most: 5 })
    for (let n = 1; n <= operations(rawOperations); n++) {
      await writes.any()
      if (n % 50 === 0) await agrees(ground, NOW, `seed ${seed}, after ${n}`)
    }
    await agrees(ground, NOW, `seed ${seed}`)
    await mend()
    expect(await allMended()).toEqual([0, 0, 0, 0])
  })

  test('agree with a recount after eight at once wrote past the locks of the application, and none of them was in the way of another', {
    timeout: 600_000,
  }, async () => {
    const ground = await newGround()
    const seed = randomSeed()
    await race(UPDATERS, async index => {
      const writes = rawWrites({ pick: picker(seed + index), run, ground, most: 1 })
      // A deadlock would be an error.
      for (let n = 0; n < Math.ceil(operations(rawOperations) / UPDATERS); n++) await writes.once()
    })
    await agrees(ground, NOW, `seed ${seed}`)
  })

  test('agree with a recount after random requests by eight at once', { timeout: 600_000 }, async () => {
    const places = [await newPlace(), await newPlace()]
    const seed = randomSeed()
    const companies: Company[] = places.map(({ projectIds }) => {
      return { projectIds, taskIds: [], commentIds: [], attachmentIds: [] }
    })
    const each = Math.ceil(operations(requests) / UPDATERS)
    await race(UPDATERS, async index => {
      const pick = picker(seed + index)
      const company = companies[index % companies.length]
      for (let n = 0; company && n < each; n++) await randomRequest(owner.api, pick, company)
    })
    for (const place of places) await agrees(place, Date.now(), `seed ${seed}`)
    const [first] = places
    await owner.api.data('DELETE', `/projects/${first?.projectIds[0]}`)
    for (const place of places) await agrees(place, Date.now(), `seed ${seed}, a project less`)
    await mend()
    expect(await allMended()).toEqual([0, 0, 0, 0])
  })

  test('count all rows of a statement, after one that was about a single row', async () => {
    const ground = await newGround()
    const [projectId] = ground.projectIds
    const fill = (from: number, to: number) =>
      run(
        `insert into tasks (id, workspace_id, project_id, number, title, status, reporter_id, rank, seq, due_date)
         select gen_random_uuid(), $1, $2, n, 'Raw', 'todo', $3, 'r' || n, n, now() - n * interval '1 hour'
         from generate_series($4::int, $5::int) n`,
        [ground.workspaceId, projectId, ground.userId, from, to],
      )
    const move = (to: number) =>
      run(`update tasks set status = 'done', deleted_at = now() where project_id = $1 and number <= $2`, [
        projectId,
        to,
      ])
    await fill(1, 1)
    await move(1)
    await fill(2, 3_000)
    await run(
      `insert into comments (id, workspace_id, task_id, author_id, content)
       select gen_random_uuid(), workspace_id, id, $2, 'Seen' from tasks where project_id = $1`,
      [projectId, ground.userId],
    )
    await agrees(ground, Date.now())
    await move(3_000)
    await agrees(ground, Date.now())
  })

  test('follow a column whose key is changed by hand, and go with a project that is removed so', async () => {
    const place = await newPlace()
    const [projectId = ''] = place.projectIds
    const dueDate = '2020-01-01'
    for (const status of ['todo', 'todo', 'done']) await newTask(owner.api, projectId, { status, dueDate })
    await run(`update project_statuses set key = 'next' where project_id = $1 and key = 'todo'`, [projectId])
    await agrees(place, Date.now())
    expect(await owner.api.data('GET', `/projects/${projectId}/stats`)).toMatchObject({
      tasksByStatus: { next: 2, done: 1 },
      overdueTasks: 2,
    })
    await run('delete from activities where workspace_id = $1', [place.workspaceId])
    await run('delete from tasks where project_id = $1', [projectId])
    await agrees(place, Date.now())
    await run('delete from projects where id = $1', [projectId])
    expect(await run('select from status_counts where project_id = $1', [projectId])).toEqual([])
  })

  test('that somebody put wrong are mended and told of, once', async () => {
    const place = await newPlace()
    const [projectId = '', other = ''] = place.projectIds
    const task = await newTask(owner.api, projectId, { status: 'todo', dueDate: '2020-01-01' })
    await newTask(owner.api, other)
    await owner.api.data('POST', `/tasks/${task.id}/comments`, { content: 'Seen' })
    await run(`update status_counts set tasks = tasks + 5 where project_id = $1 and status = 'todo'`, [
      projectId,
    ])
    await run(`insert into status_counts values ($1, 'done', 2)`, [projectId])
    await run('delete from due_counts where project_id = $1', [projectId])
    await run('update project_counts set comments = -3, attachments = 7 where project_id = $1', [projectId])
    const wrong = await owner.api.data('GET', `/projects/${projectId}/stats`)
    expect(wrong).toMatchObject({ totalTasks: 8, overdueTasks: 0, commentCount: -3, attachmentCount: 7 })

    const lines: string[] = []
    Logger.configure({ level: 'error' }, { write: (line: string) => void lines.push(line) })
    onTestFinished(() => Logger.configure({ level: 'silent' }))
    const before = await allMended()
    await mend()
    await agrees(place, Date.now())
    expect((await allMended()).map((count, index) => count - (before[index] ?? 0))).toEqual([2, 2, 1, 1])
    expect(lines.map(line => JSON.parse(line))).toMatchObject([
      {
        part: 'Counters',
        projectId,
        count: 6,
        wrong: expect.arrayContaining([
          { counter: 'status', status: 'todo', span: null, startsOn: null, kept: 6, counted: 1 },
          { counter: 'due', status: 'todo', span: 'day', startsOn: '2020-01-01', kept: 0, counted: 1 },
          { counter: 'comments', status: null, span: null, startsOn: null, kept: -3, counted: 1 },
        ]),
      },
    ])
    await mend()
    expect(lines).toHaveLength(1)
  })

  test('are mended while others step them', async () => {
    const ground = await newGround()
    const seed = randomSeed()
    const writes = rawWrites({ pick: picker(seed), run, ground, most: 1 })
    for (let n = 0; n < 40; n++) await writes.once()
    const [projectId] = ground.projectIds
    await run(`update status_counts set tasks = tasks + 5 where project_id = $1`, [projectId])
    await run('update due_counts set tasks = tasks - 1 where project_id = $1', [projectId])
    await run('update project_counts set comments = comments + 1 where project_id = $1', [projectId])
    let isMending = true
    const writing = race(4, async () => {
      while (isMending) await writes.once()
    })
    // Two at once, as when a node was taken for dead.
    await Promise.all([mend(), mend()])
    isMending = false
    await writing
    await agrees(ground, NOW, `seed ${seed}`)
  })

  test('of days on which nothing is due any more are removed', async () => {
    const [projectId = ''] = (await newPlace()).projectIds
    const task = await newTask(owner.api, projectId, { dueDate: '2020-01-01' })
    const other = await newTask(owner.api, projectId, { dueDate: '2020-01-02' })
    await owner.api.data('PATCH', `/tasks/${task.id}`, { dueDate: null })
    const days = () =>
      run('select span, starts_on::text, tasks from due_counts where project_id = $1 order by 1, 2', [
        projectId,
      ])
    expect(await days()).toHaveLength(3)
    await mend()
    expect(await days()).toEqual([
      { span: 'month', starts_on: '2020-01-01', tasks: 1 },
      { span: 'day', starts_on: '2020-01-02', tasks: 1 },
    ])
    await owner.api.data('PATCH', `/tasks/${task.id}`, { dueDate: '2020-01-01' })
    await owner.api.data('DELETE', `/tasks/${other.id}`)
    expect(await owner.api.data('GET', `/projects/${projectId}/stats`)).toMatchObject({ overdueTasks: 1 })
  })
})
