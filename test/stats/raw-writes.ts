import { oneOf, type Pick } from './picker.js'

/** Noon of a day in the middle of a month, so that there is something of each on either side. */
export const NOW = Date.parse('2026-05-17T12:00:00.000Z')

const DAY_MS = 24 * 60 * 60_000
const EDGES = [
  '2026-04-30T23:59:59.999Z',
  '2026-05-01T00:00:00.000Z',
  '2026-05-16T23:59:59.999Z',
  '2026-05-17T00:00:00.000Z',
  '2026-05-17T11:59:59.999Z',
  '2026-05-17T12:00:00.000Z',
  '2026-05-18T00:00:00.000Z',
  '2026-06-01T00:00:00.000Z',
  '1970-01-01T00:00:00.000Z',
  '9999-12-31T23:59:59.999Z',
]

export interface Ground {
  workspaceId: string
  userId: string
  projectIds: readonly string[]
  /** Of the tasks so far, for all who write there. */
  numbers: number[]
}

/** One statement past the application. */
export type Run = (text: string, values: unknown[]) => Promise<unknown>

interface Writer {
  pick: Pick
  run: Run
  ground: Ground
  /** The most rows that a statement is about. */
  most: number
}

const toggled = (column: string) => `${column} = case when ${column} is null then now() end`
const chosen = 'project_id = $1 and number = any ($2::int[])'

/** Statements of all the kinds that change what is counted: also such as nobody but an operator would send. */
export function rawWrites({ pick, run, ground, most }: Writer) {
  const { workspaceId, userId, projectIds, numbers: known } = ground
  let moves = 0
  const project = () => oneOf(pick, projectIds)
  const status = () => oneOf(pick, ['backlog', 'todo', 'in_progress', 'in_review', 'done', 'cancelled'])
  const due = () => {
    const kind = pick(4)
    if (kind === 0) return null
    if (kind === 1) return oneOf(pick, EDGES)
    return new Date(NOW + (pick(1_400) - 700) * DAY_MS + pick(DAY_MS)).toISOString()
  }
  const numbers = () => Array.from({ length: 1 + pick(most) }, () => known[pick(known.length)] ?? 0)
  const fresh = () => {
    const given = Array.from({ length: 1 + pick(most) }, (_, index) => known.length + 1 + index)
    known.push(...given)
    return given
  }

  const insertTasks = () =>
    run(
      `insert into tasks (id, workspace_id, project_id, number, title, status, reporter_id, rank, seq, due_date,
         completed_at, deleted_at)
       select gen_random_uuid(), $1, $2, n, 'Raw', $3, $4, 'r' || n, n, $5, $6, $7 from unnest($8::int[]) n`,
      [
        workspaceId,
        project(),
        status(),
        userId,
        due(),
        oneOf(pick, [null, null, '2026-01-01']),
        oneOf(pick, [null, null, null, '2026-01-01']),
        fresh(),
      ],
    )
  const update = (change: string, value?: unknown) =>
    run(`update tasks set ${change} where ${chosen}`, [
      project(),
      numbers(),
      ...(value === undefined ? [] : [value]),
    ])
  const addTo = (table: string, columns: string, values: string) =>
    run(
      `insert into ${table} (id, workspace_id, task_id, ${columns}, deleted_at)
       select gen_random_uuid(), workspace_id, id, ${values}, $4 from tasks where ${chosen} order by id`,
      [project(), numbers(), userId, oneOf(pick, [null, null, null, '2026-01-01'])],
    )
  const onChosen = (table: string) => `${table} where task_id in (select id from tasks where ${chosen})`
  const changeOn = (table: string) =>
    run(
      `update ${table} set ${toggled('deleted_at')} where id in (select id from ${onChosen(table)} limit ${most})`,
      [project(), numbers()],
    )

  const writes: (() => Promise<unknown>)[] = [
    insertTasks,
    insertTasks,
    insertTasks,
    () => update('status = $3', status()),
    () => update('status = $3', status()),
    () => update('due_date = $3', due()),
    () => update(toggled('completed_at')),
    () => update(toggled('deleted_at')),
    () => update('title = $3', 'Renamed'),
    () => addTo('comments', 'author_id, content', `$3::uuid, 'Seen'`),
    () => addTo('comments', 'author_id, content', `$3::uuid, 'Seen'`),
    () => changeOn('comments'),
    () =>
      addTo(
        'attachments',
        'uploader_id, file_name, content_type, size, storage_key',
        `$3::uuid, 'a', 'b', 1, gen_random_uuid()::text`,
      ),
    () => changeOn('attachments'),
  ]
  return {
    once: () => oneOf(pick, writes)(),
    /** The rarer ones too: rows that are gone, and those that go over to another task or project. */
    any: () => {
      const rare: (() => Promise<unknown>)[] = [
        () => run(`delete from tasks where ${chosen}`, [project(), numbers()]),
        () => run(`delete from ${onChosen('comments')}`, [project(), numbers()]),
        () => run(`delete from ${onChosen('attachments')}`, [project(), numbers()]),
        () =>
          run(
            `update comments set task_id = (select id from tasks where project_id = $1 order by number limit 1)
             where id in (select id from ${onChosen('comments')} limit ${most})`,
            [project(), numbers()],
          ),
        () =>
          run(
            `update tasks set project_id = $3, number = number + $4, rank = 'r' || (number + $4)
             where ${chosen}`,
            [project(), numbers(), project(), 1_000_000 + moves++ * 1_000],
          ),
      ]
      return pick(10) === 0 ? oneOf(pick, rare)() : oneOf(pick, writes)()
    },
  }
}
