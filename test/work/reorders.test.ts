import { afterAll, beforeAll, expect, it } from 'vitest'
import { register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { newProject, newTask, race, rows, tally } from './support.js'

const REORDERS = 1_000
const CARDS = 100

let app: TestApp
let ann: TestUser
let projectId: string
let ids: string[]

beforeAll(async () => {
  app = await startApp()
  ann = await register(app.origin, 'Ann')
  projectId = (await newProject(ann, (await workspaceOf(ann)).id)).id
  await race(CARDS, () => newTask(ann.api, projectId))
  ids = (await standing()).map(({ id }) => id)
  await rows(
    app,
    'create table written (tx xid8 default pg_current_xact_id(), id uuid, rank text, seq bigint)',
  )
  await rows(
    app,
    `create function note_write() returns trigger language plpgsql as
     $$ begin insert into written (id, rank, seq) values (new.id, new.rank, new.seq); return null; end $$`,
  )
  await rows(
    app,
    'create trigger note_write after update on tasks for each row execute function note_write()',
  )
})
afterAll(() => app.stop())

const standing = () =>
  rows(app, 'select id, rank, version from tasks where project_id = $1 order by rank collate "C"', [
    projectId,
  ])

/** A card goes right before or right after another one. */
interface Move {
  card: string
  side: 'before' | 'after'
  anchor: string
}

function moveOf(index: number): Move {
  const card = (index * 37) % CARDS
  const anchor = (card + 1 + ((index * 7) % (CARDS - 1))) % CARDS
  return { card: ids[card] ?? '', side: index % 2 ? 'before' : 'after', anchor: ids[anchor] ?? '' }
}

const isCarriedOut = (order: readonly string[], { card, side, anchor }: Move) =>
  order.indexOf(card) === order.indexOf(anchor) + (side === 'after' ? 1 : -1)

/** Works in another workspace, and looks at the board, until something is over; gives how often. */
async function workOn(over: Promise<unknown>): Promise<number> {
  const bob = await register(app.origin, 'Bob')
  const { id } = await newProject(bob, (await workspaceOf(bob)).id)
  let isOver = false
  void over.finally(() => {
    isOver = true
  })
  let times = 0
  for (; !isOver; times++) {
    await newTask(bob.api, id)
    expect((await ann.api.get(`/projects/${projectId}/board`)).status).toBe(200)
  }
  return times
}

it(`${REORDERS} reorders at once write one row each, one after another, and hold up nobody else`, async () => {
  const first = await standing()
  const moving = race(REORDERS, async index => {
    const move = moveOf(index)
    return { move, answer: await ann.api.post(`/tasks/${move.card}/reorder`, { [move.side]: move.anchor }) }
  })
  const elsewhere = workOn(moving)
  const made = await moving
  expect(tally(made.map(({ answer }) => answer))).toEqual({ 200: REORDERS })
  expect(await elsewhere).toBeGreaterThan(10)

  const written = await rows(
    app,
    'select tx::text, id, rank, seq from written where id = any($1) order by seq',
    [ids],
  )
  expect(new Set(written.map(({ tx }) => tx)).size).toBe(written.length)
  expect(written.map(({ seq }) => seq)).toEqual(written.map((_, index) => CARDS + index + 1))
  // The others found their card where it was to go.
  expect(written.length).toBeGreaterThan(REORDERS * 0.9)

  const ranks = new Map<string, string>(first.map(({ id, rank }) => [id, rank]))
  for (const { id, rank, seq } of written) {
    ranks.set(id, rank)
    const order = [...ranks].sort(([, one], [, other]) => (one < other ? -1 : 1)).map(([card]) => card)
    const told = made.filter(({ answer }) => answer.body.data.id === id && answer.body.data.seq === seq)
    expect(told.some(({ move }) => isCarriedOut(order, move))).toBe(true)
  }
  const last = await standing()
  expect(Object.fromEntries(ranks)).toEqual(Object.fromEntries(last.map(({ id, rank }) => [id, rank])))
  expect(new Set(ranks.values()).size).toBe(CARDS)
  expect(last.reduce((sum, { version }) => sum + version - 1, 0)).toBe(written.length)
}, 240_000)
