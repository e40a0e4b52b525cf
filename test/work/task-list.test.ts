import { sql as sqlOf } from 'drizzle-orm'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Database } from '../../src/db/database.js'
import { matchingTasks } from '../../src/modules/tasks/task-filter.js'
import { taskWalk } from '../../src/modules/tasks/task-walk.js'
import { priorities, type Task, type TaskSort, taskSorts } from '../../src/modules/tasks/tasks.contract.js'
import { registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { newProject, newTask, problemOf, race, rows, statementsOf, titles, walk } from './support.js'

let app: TestApp
let ann: TestUser
let bob: TestUser
let workspace: { id: string }

beforeAll(async () => {
  app = await startApp()
  ;[ann, bob] = await registerAll(app.origin, 'Ann', 'Bob')
  workspace = await workspaceOf(ann, bob)
})
afterAll(() => app.stop())

describe('sorting', () => {
  const at = fc.integer({ min: 0, max: 5 }).map(hour => `2026-01-01T0${hour}:00:00.000Z`)
  const rowsToSort = fc.array(
    fc.record({
      priority: fc.constantFrom(...priorities),
      created_at: at,
      updated_at: at,
      due_date: fc.option(at, { freq: 2 }),
    }),
    { minLength: 1, maxLength: 40 },
  )

  it('each way and through pages of any size gives the order of a plain sort', async () => {
    await fc.assert(
      fc.asyncProperty(rowsToSort, fc.integer({ min: 1, max: 15 }), async (given, limit) => {
        const project = await newProject(ann, workspace.id)
        await rows(
          app,
          `insert into tasks (id, workspace_id, project_id, number, title, status, reporter_id, rank, seq, priority,
             created_at, updated_at, due_date)
           select gen_random_uuid(), $1, $2, place, 'Row ' || place, case place % 2 when 0 then 'todo' else 'done' end,
             $3, 'a' || (place / 2) || 'V', place, priority, created_at, updated_at, due_date
           from json_populate_recordset(null::tasks, $4), lateral (select number as place) numbered`,
          [
            workspace.id,
            project.id,
            ann.id,
            JSON.stringify(given.map((row, number) => ({ ...row, number }))),
          ],
        )
        await rows(app, 'update projects set last_seq = $2 where id = $1', [project.id, given.length])
        const path = `/projects/${project.id}/tasks`
        const all = await walk(ann.api, path)
        expect(all).toHaveLength(given.length)
        for (const sort of taskSorts) {
          const sorted = await walk(ann.api, `${path}?sort=${sort}`, limit)
          expect(sorted.map(({ id }) => id)).toEqual(all.toSorted(byRule(sort)).map(({ id }) => id))
        }
      }),
      { numRuns: 12 },
    )
  })

  it('refuses the cursor of another order and values that no list gave', async () => {
    const project = await newProject(ann, workspace.id)
    const { id } = await newTask(ann.api, project.id)
    await newTask(ann.api, project.id)
    const path = `/projects/${project.id}/tasks`
    const { nextCursor } = (await ann.api.get(`${path}?limit=1`)).body.meta
    const forged = (...values: unknown[]) => Buffer.from(JSON.stringify(values)).toString('base64url')
    const wrong = [
      `sort=-createdAt&cursor=${nextCursor}`,
      'cursor=nonsense',
      `cursor=${forged('tasks createdAt', '0000-01-01T00:00:00.000Z', id)}`,
      `cursor=${forged('tasks createdAt', 'infinity', id)}`,
      `cursor=${forged('tasks createdAt', '2026-01-01T00:00:00.000Z', 'x')}`,
      `sort=rank&cursor=${forged('tasks rank', 'a\0', id)}`,
      `sort=priority&cursor=${forged('tasks priority', 'urgent', id)}`,
      `sort=dueDate&cursor=${forged('tasks dueDate', '-infinity', id)}`,
    ]
    for (const query of wrong)
      expect(problemOf(await ann.api.get(`${path}?${query}`)), query).toBe('422 INVALID_CURSOR')
  })
})

describe('filters', () => {
  let project: { id: string; key: string }
  let list: (query: string) => Promise<string[]>

  beforeAll(async () => {
    project = await newProject(ann, workspace.id)
    list = async query => titles((await ann.api.get(`/projects/${project.id}/tasks?${query}`)).body.data)
    const top = await newTask(ann.api, project.id, {
      title: 'Top',
      status: 'done',
      priority: 'high',
      assigneeIds: [ann.id],
    })
    await newTask(ann.api, project.id, {
      title: 'Low',
      parentTaskId: top.id,
      priority: 'low',
      dueDate: '2026-03-01',
      assigneeIds: [ann.id, bob.id],
    })
    await newTask(ann.api, project.id, { title: 'Due', status: 'backlog', dueDate: '2026-03-02T10:00:00Z' })
    await rows(
      app,
      `with label as (insert into labels (id, workspace_id, name, color) values (gen_random_uuid(), $1, 'Bug', '#ff0000') returning id)
       insert into task_labels select $1, $2, id from label`,
      [workspace.id, top.id],
    )
  })

  it('take lists of statuses and priorities', async () => {
    expect(await list('status=todo')).toEqual(['Low'])
    expect(await list('status=todo,done')).toEqual(['Top', 'Low'])
    expect(await list('status=in_progress')).toEqual([])
    expect(await list('priority=high')).toEqual(['Top'])
    expect(await list('priority=high,none')).toEqual(['Top', 'Due'])
  })

  it('are refused a status that the project does not have, for one more statement only where none is found', async () => {
    const get = (query: string) => ann.api.get(`/projects/${project.id}/tasks?${query}`)
    for (const query of ['status=nope', 'status=todo,nope', 'status=in_progress,nope&count=exact']) {
      expect(problemOf(await get(query))).toBe('422 STATUS_NOT_FOUND query.status')
    }
    const [found, none] = [
      await statementsOf(app, () => get('status=todo')),
      await statementsOf(app, () => get('status=in_progress')),
    ]
    expect([found, none - found]).toEqual([await statementsOf(app, () => get('')), 1])
  })

  it('know whose a task is, and who asks', async () => {
    expect(await list(`assigneeId=${bob.id}`)).toEqual(['Low'])
    expect(await list('assigneeId=me')).toEqual(['Top', 'Low'])
    const { body } = await bob.api.get(`/projects/${project.id}/tasks?assigneeId=me`)
    expect(titles(body.data)).toEqual(['Low'])
  })

  it('know labels, and show them on the rows', async () => {
    const [top] = (await ann.api.get(`/projects/${project.id}/tasks`)).body.data
    expect(top.labels).toEqual([{ id: expect.any(String), name: 'Bug', color: '#ff0000' }])
    expect(await list(`labelId=${top.labels[0].id}`)).toEqual(['Top'])
    expect(await list(`labelId=${top.id}`)).toEqual([])
    expect(await list(`parentTaskId=${top.id}`)).toEqual(['Low'])
    expect(await list('parentTaskId=none')).toEqual(['Top', 'Due'])
  })

  it('span due dates from dueAfter on until before dueBefore, so that days tile', async () => {
    expect(await list('dueAfter=2026-03-01&dueBefore=2026-03-02')).toEqual(['Low'])
    expect(await list('dueAfter=2026-03-02&dueBefore=2026-03-03')).toEqual(['Due'])
    expect(await list('dueAfter=2026-03-01')).toEqual(['Low', 'Due'])
    expect(await list('dueBefore=2026-03-02T12:00:00%2B02:00')).toEqual(['Low'])
  })

  it('must all hold, and are counted on demand', async () => {
    expect(await list('assigneeId=me&status=todo&priority=low&dueAfter=2026-01-01&q=lo')).toEqual(['Low'])
    expect(await list('assigneeId=me&status=todo&priority=high')).toEqual([])
    const counted = await ann.api.get(`/projects/${project.id}/tasks?assigneeId=me&limit=1&count=exact`)
    expect(counted.body.meta).toMatchObject({ limit: 1, total: 2 })
    const plain = await ann.api.get(`/projects/${project.id}/tasks`)
    expect(plain.body.meta).toEqual({ limit: 50, nextCursor: null })
  })

  it('that are unknown, malformed or out of range are refused by name', async () => {
    const wrong = async (query: string) =>
      problemOf(await ann.api.get(`/projects/${project.id}/tasks?${query}`))
    for (const [field, value] of [
      ['limit', '0'],
      ['limit', '101'],
      ['limit', 'x'],
      ['sort', 'title'],
      ['sort', ''],
      ['priority', 'urgent'],
      ['status', ''],
      ['assigneeId', 'you'],
      ['labelId', '1'],
      ['parentTaskId', 'null'],
      ['dueBefore', 'tomorrow'],
      ['q', ''],
      ['q', '%00'],
      ['count', 'yes'],
      ['page', '2'],
    ]) {
      expect(await wrong(`${field}=${value}`)).toContain(`422 VALIDATION_ERROR query.${field}`)
    }
    expect(await wrong('status=todo&status=done')).toBe('422 VALIDATION_ERROR query.status')
  })

  it('that are wrong are told what they may be', async () => {
    const said = async (query: string) =>
      (await ann.api.get(`/projects/${project.id}/tasks?${query}`)).body.errors[0].message
    for (const limit of ['-1', '0', '101', 'x', '1.5', '1&limit=2']) {
      expect(await said(`limit=${limit}`)).toBe('must be a whole number from 1 to 100')
    }
    expect(await said('priority=high&priority=low')).toBe(
      'must be given once, its values with commas between them',
    )
  })
})

describe('searching', () => {
  it('finds beginnings of words in title and description, and keys', async () => {
    const project = await newProject(ann, workspace.id)
    const made = ['Fix the Boiler', "Don't panic", 'user@example.com', 'Größe prüfen', 'foo-bar v1.2']
    for (const title of made)
      await newTask(ann.api, project.id, { title, description: `About ${title.length} things` })
    const find = async (q: string) => {
      const answer = await ann.api.get(`/projects/${project.id}/tasks?q=${encodeURIComponent(q)}`)
      expect(answer.status, q).toBe(200)
      return titles(answer.body.data)
    }
    expect(await find('boil')).toEqual(['Fix the Boiler'])
    expect(await find('  FIX   boi ')).toEqual(['Fix the Boiler'])
    expect(await find('fix missing')).toEqual([])
    expect(await find('about')).toHaveLength(5)
    expect(await find("don't")).toEqual(["Don't panic"])
    expect(await find('user@example.com')).toEqual(['user@example.com'])
    expect(await find('grö')).toEqual(['Größe prüfen'])
    expect(await find('foo-bar')).toEqual(['foo-bar v1.2'])
    expect(await find('2')).toContain("Don't panic")
    expect(await find(`${project.key.toLowerCase()}-2`)).toEqual(["Don't panic"])
    expect(await find('OTHER-2')).toEqual([])
    expect(await find('999999999999')).toEqual([])
  })

  it('is broken by no text of a user', async () => {
    const project = await newProject(ann, workspace.id)
    await newTask(ann.api, project.id)
    const hostile = [
      "'",
      "''",
      '\\',
      "\\'",
      "a' | 'b",
      ':*',
      'a:*',
      '&',
      '|',
      '!',
      '!a',
      '(',
      ')',
      '<->',
      'a <-> b',
      '*',
      "x':A",
      '%',
      '😀',
      '--',
      '$1',
      '{}',
    ]
    const search = async (q: string) =>
      (await ann.api.get(`/projects/${project.id}/tasks?q=${encodeURIComponent(q)}`)).status
    for (const q of hostile) expect(await search(q), q).toBe(200)
    const text = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
      .filter(q => q.trim() !== '' && !q.includes('\0'))
    await fc.assert(
      fc.asyncProperty(text, async q => {
        expect(await search(q)).toBe(200)
      }),
      { numRuns: 100 },
    )
  })
})

describe('ten thousand tasks', () => {
  let path: string
  let project: { id: string; workspaceId: string }
  const existing = 10_000

  beforeAll(async () => {
    project = await newProject(ann, workspace.id)
    path = `/projects/${project.id}/tasks`
    await rows(
      app,
      `insert into tasks (id, workspace_id, project_id, number, title, status, reporter_id, rank, seq, priority,
         created_at, updated_at, due_date)
       select gen_random_uuid(), $1, $2, n, 'Task ' || n, (array['backlog', 'todo', 'done'])[1 + n % 3], $3,
         'c' || lpad(n::text, 5, '0') || 'V', n, (enum_range(null::priority))[1 + n % 5],
         timestamptz '2026-01-01' + n / 20 * interval '1 second', timestamptz '2026-01-01' + n / 20 * interval '1 minute',
         case when n % 4 > 0 then timestamptz '2026-06-01' + n % 500 * interval '1 hour' end
       from generate_series(1, ${existing}) n`,
      [workspace.id, project.id, ann.id],
    )
    await rows(app, 'update projects set last_task_number = $2::int, last_seq = $2::int where id = $1', [
      project.id,
      existing,
    ])
    await rows(app, 'analyze')
  })

  it('are walked in pages of fifty, each exactly once, while others write and twenty share each moment', async () => {
    const before = new Set(
      (await rows(app, 'select id from tasks where project_id = $1', [project.id])).map(({ id }) => id),
    )
    expect(before.size).toBe(existing)
    const victims = [...before].slice(0, 600)
    let walking = true
    const write = async (writer: TestUser, offset: number) => {
      for (let turn = 0; walking; turn++) {
        const id = victims[(turn * 2 + offset) % victims.length]
        await writer.api.patch(`/tasks/${id}`, { title: `Changed ${turn}`, dueDate: '2026-02-02' })
        await writer.api.patch(`/tasks/${id}/status`, { status: turn % 2 ? 'in_progress' : 'cancelled' })
        await newTask(writer.api, project.id)
      }
    }
    const writers = [write(ann, 0), write(bob, 1)]
    const seen = await walk(ann.api, path)
    walking = false
    await Promise.all(writers)
    const ids = seen.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    expect(ids.filter(id => before.has(id))).toHaveLength(existing)
    expect(ids.length).toBeGreaterThan(existing)
  }, 120_000)

  it.each(taskSorts.filter(sort => !sort.endsWith('createdAt')))(
    'are walked by %s as they stood when the walk began, each earlier one exactly once, while all of it changes',
    async sort => {
      const frozen = await newProject(ann, project.workspaceId)
      const path = `/projects/${frozen.id}/tasks`
      const made = await race(120, n => newTask(ann.api, frozen.id, { priority: priorities[n % 5] }))
      const ids = made.map(({ id }) => id)
      const { body: first } = await ann.api.get(`${path}?sort=${sort}&limit=100`)
      const order = first.data.map((task: Task) => task.id)
      const seen: string[] = []
      let cursor: string | null = ''
      for (let turn = 0; cursor !== null; turn++) {
        const { body } = await ann.api.get(`${path}?sort=${sort}&limit=17${cursor && `&cursor=${cursor}`}`)
        seen.push(...body.data.map((task: Task) => task.id))
        cursor = body.meta.nextCursor
        await Promise.all(
          [0, 1, 2, 3, 4, 5].map(async n => {
            const id = ids[(turn * 19 + n * 23) % ids.length]
            await ann.api.patch(`/tasks/${id}`, {
              priority: priorities[(turn + n) % 5],
              dueDate: n % 2 ? `2026-0${1 + (turn % 9)}-1${n}` : null,
            })
            await ann.api.post(`/tasks/${id}/reorder`, { before: ids[(turn * 7 + n * 31 + 1) % ids.length] })
            await newTask(ann.api, frozen.id)
          }),
        )
      }
      expect(seen).toHaveLength(new Set(seen).size)
      expect(seen.slice(0, 100)).toEqual(order)
      expect(new Set(seen)).toEqual(new Set(ids))
    },
  )

  it('are found through the index of each order, at any depth', async () => {
    const { query, pool } = app.container.resolve(Database)
    for (const sort of taskSorts) {
      const { body } = await ann.api.get(`${path}?sort=${sort}&limit=100`)
      const page = query
        .select({ id: sqlOf<string>`walk.id` })
        .from(
          sqlOf`${taskWalk(sort, body.meta.nextCursor, 0, Date.now()).rows(matchingTasks({ ...project, key: '' }, {}), 51)} walk`,
        )
      const { sql, params } = page.toSQL()
      const plan = (await pool.query(`explain ${sql}`, params)).rows.map(row => row['QUERY PLAN']).join('\n')
      expect(plan, sort).toMatch(/Index (Only )?Scan (Backward )?using tasks_by_/)
      expect(plan, sort).toMatch(/Index Cond: .*ROW\(/)
      expect(plan, sort).not.toMatch(/-> +Sort .*\n +Sort Key: tasks\./)
    }
  })

  it('cost the same few statements a page, whatever is on it and however far it is', async () => {
    const cost = (query: string) => statementsOf(app, () => ann.api.get(`${path}?${query}`))
    const one = await cost('limit=1')
    await race(20, () => newTask(ann.api, project.id, { assigneeIds: [ann.id, bob.id] }))
    expect(await cost('limit=100&sort=-createdAt')).toBe(one)
    const { nextCursor } = (await ann.api.get(`${path}?limit=100&sort=-dueDate`)).body.meta
    expect(await cost(`limit=100&sort=-dueDate&cursor=${nextCursor}`)).toBe(one)
    expect(await cost('limit=100&count=exact&q=task&assigneeId=me&sort=priority')).toBe(one + 1)
    expect(one).toBeLessThanOrEqual(3)
  })
})

/** The order of a list by a plain sort, ids last. */
function byRule(sort: TaskSort) {
  const descending = sort.startsWith('-')
  const sign = descending ? -1 : 1
  const value = (task: Task): string | number => {
    switch (sort.replace('-', '')) {
      case 'priority':
        return priorities.indexOf(task.priority)
      case 'dueDate':
        return task.dueDate ?? (descending ? '' : '~')
      case 'rank':
        return task.rank
      case 'updatedAt':
        return task.updatedAt
      default:
        return task.createdAt
    }
  }
  const compare = (a: string | number, b: string | number) => (a < b ? -1 : a > b ? 1 : 0)
  return (a: Task, b: Task) => sign * (compare(value(a), value(b)) || compare(a.id, b.id))
}
