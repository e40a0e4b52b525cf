import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { CountersRepository } from '../../src/modules/stats/counters.repository.js'
import { register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { newProject, newTask, rows } from '../work/support.js'
import { expectNoDifference } from './recount.js'

let app: TestApp
let owner: TestUser
let workspaceId: string
let projectId: string
let taskId: string

beforeAll(async () => {
  app = await startApp()
  owner = await register(app.origin, 'Owner')
  workspaceId = (await workspaceOf(owner)).id
})
afterAll(() => app.stop())

/** A project with a task to do and one that is done, and a comment, so that their counters are there. */
async function fill() {
  projectId = (await newProject(owner, workspaceId)).id
  const dueDate = '2020-01-15'
  taskId = (await newTask(owner.api, projectId, { status: 'todo', dueDate })).id
  await newTask(owner.api, projectId, { status: 'done' })
  await owner.api.data('POST', `/tasks/${taskId}/comments`, { content: 'Seen' })
}

/** A transaction that is undone at the end of the test unless it was ended before. */
async function begin(): Promise<pg.PoolClient> {
  const client = await app.database.pool.connect()
  await client.query('begin')
  onTestFinished(async () => {
    await client.query('rollback')
    client.release()
  })
  return client
}

/** Until so many statements wait for a lock. */
async function waiting(count: number) {
  await expect
    .poll(async () => {
      const [found] = await rows(
        app,
        `select count(*) as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return found.n
    })
    .toBe(count)
}

const agrees = () =>
  expectNoDifference(app, { workspaceIds: [workspaceId], projectIds: [projectId] }, Date.now())
const deleteTask = 'update tasks set deleted_at = now() where id = $1'
const restoreTask = 'update tasks set deleted_at = null where id = $1'
const addComment = `insert into comments (id, workspace_id, task_id, author_id, content)
  select gen_random_uuid(), workspace_id, id, reporter_id, 'Late' from tasks where id = $1`

describe('who counts what stands on a task waits for whoever may change it', () => {
  test.each([
    ['a comment is added while its task is being deleted', [], deleteTask, addComment, 0],
    ['a task is deleted while a comment is being added', [], addComment, deleteTask, 0],
    ['a task is restored while a comment is being added', [deleteTask], addComment, restoreTask, 2],
    ['a comment is added while its task is being restored', [deleteTask], restoreTask, addComment, 2],
  ])('%s', async (_what, before, first, second, commentCount) => {
    await fill()
    for (const statement of before) await rows(app, statement, [taskId])
    const one = await begin()
    await one.query(first, [taskId])
    const other = rows(app, second, [taskId])
    await waiting(1)
    await one.query('commit')
    await other
    await agrees()
    expect(await owner.api.data('GET', `/projects/${projectId}/stats`)).toMatchObject({ commentCount })
  })
})

describe('counters are stepped in the order of their keys', () => {
  const isFree = async (client: pg.PoolClient, table: string, condition: string) => {
    const { rows } = await client.query(
      `select from ${table} where project_id = $1 and ${condition} for update skip locked`,
      [projectId],
    )
    return rows.length > 0
  }

  test.each([
    ['todo', 'done'],
    ['done', 'todo'],
  ])('whichever way a task goes: from %s to %s', async (from, to) => {
    await fill()
    const [holder, observer] = [await begin(), await begin()]
    expect(await isFree(holder, 'status_counts', `status = 'done'`)).toBe(true)
    const moving = rows(
      app,
      `update tasks set status = $3, rank = 'z' where project_id = $1 and status = $2`,
      [projectId, from, to],
    )
    await waiting(1)
    expect(await isFree(observer, 'status_counts', `status = 'todo'`)).toBe(true)
    await observer.query('rollback')
    await holder.query('rollback')
    await moving
    await agrees()
  })

  test('the month that a task is due in before the day', async () => {
    await fill()
    const [holder, observer] = [await begin(), await begin()]
    expect(await isFree(holder, 'due_counts', `span = 'month'`)).toBe(true)
    const changing = rows(app, 'update tasks set due_date = null where id = $1', [taskId])
    await waiting(1)
    expect(await isFree(observer, 'due_counts', `span = 'day'`)).toBe(true)
    await observer.query('rollback')
    await holder.query('rollback')
    await changing
    await agrees()
  })
})

test('of two who mend the same counter at once one finds it mended', async () => {
  await fill()
  await rows(app, `update status_counts set tasks = 9 where project_id = $1 and status = 'todo'`, [projectId])
  const holder = await begin()
  await holder.query('select from status_counts where project_id = $1 for update', [projectId])
  const counters = app.container.resolve(CountersRepository)
  const mending = Promise.all([counters.mend(projectId), counters.mend(projectId)])
  await waiting(2)
  await holder.query('rollback')
  expect((await mending).map(drifts => drifts.length).toSorted()).toEqual([0, 1])
  await agrees()
})
