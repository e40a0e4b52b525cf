import { v7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tasks } from '../../src/db/schema/work.js'
import { ranksAt } from '../../src/modules/tasks/board/board-order.js'
import { only } from '../../src/modules/tasks/changes/task-set.js'
import { CROWDED_RANK, RanksRepository } from '../../src/modules/tasks/ranks/ranks.repository.js'
import type { Task } from '../../src/modules/tasks/tasks.contract.js'
import { register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { Board } from '../support/board.js'
import { connectChat } from '../support/chat.js'
import { newProject, newTask, race, rows } from './support.js'

/** The full measure is 100,000: see docs/testing.md. */
const INSERTIONS = Number(process.env.TEST_INSERTIONS ?? 600)
/** So many cards come in one transaction; between two of them room is made where cards have crowded. */
const BATCH = 25
/** Cards on either side of the place. */
const BYSTANDERS = 50

let app: TestApp
let ann: TestUser
let workspaceId: string

beforeAll(async () => {
  // At full size it takes longer than a token lives.
  app = await startApp({ config: { accessTokenMs: 24 * 3_600_000 } })
  ann = await register(app.origin, 'Ann')
  workspaceId = (await workspaceOf(ann)).id
})
afterAll(() => app.stop())

type Side = { before: string } | { after: string }

/** A column as a chain of cards, each of which knows its neighbours. */
class Chain {
  private readonly next = new Map<string, string>()
  private readonly previous = new Map<string, string>()

  constructor(ids: readonly string[]) {
    for (const [index, id] of ids.entries()) this.link(ids[index - 1] ?? '', id)
    this.link(ids.at(-1) ?? '', '')
  }

  put(id: string, side: Side) {
    const after = 'after' in side ? side.after : (this.previous.get(side.before) ?? '')
    const before = 'before' in side ? side.before : (this.next.get(side.after) ?? '')
    this.link(after, id)
    this.link(id, before)
  }

  get ids(): string[] {
    const ids: string[] = []
    for (let id = this.next.get(''); id; id = this.next.get(id)) ids.push(id)
    return ids
  }

  private link(one: string, other: string) {
    this.next.set(one, other)
    this.previous.set(other, one)
  }
}

const column = (projectId: string): Promise<{ id: string; rank: string; version: number }[]> =>
  rows(app, `select id, rank, version from tasks where project_id = $1 and status = 'todo' order by rank`, [
    projectId,
  ])

/** Adds cards at one place after another, past the API; gives the longest rank that any of them ever had. */
async function crowd(projectId: string, chain: Chain, first: Side, then: (id: string, n: number) => Side) {
  const ranks = app.container.resolve(RanksRepository)
  let [side, longest, roomMade] = [first, 0, 0]
  for (let n = 0; n < INSERTIONS; n += BATCH) {
    const crowded = new Set<string>()
    await app.database.write(async tx => {
      for (let number = n; number < n + BATCH; number++) {
        const { id, rank } = only(await ranksAt(tx, { projectId, status: 'todo' }, [{ id: v7() }], side))
        const values = { id, workspaceId, projectId, title: 'Crowd', status: 'todo', reporterId: ann.id }
        await tx.insert(tasks).values({ ...values, number: 1_000 + number, rank, seq: 1 })
        chain.put(id, side)
        longest = Math.max(longest, rank.length)
        if (rank.length >= CROWDED_RANK) crowded.add(id)
        side = then(id, number)
      }
    })
    for (const id of crowded)
      if ((await ranks.makeRoom({ id, workspaceId, projectId })) !== undefined) roomMade += 1
  }
  return { longest, roomMade }
}

describe(`${INSERTIONS} cards put`, () => {
  type Way = [how: string, first: (at: string) => Side, then: (newest: string, n: number, at: string) => Side]
  const ways: Way[] = [
    ['before the same card', at => ({ before: at }), (_, __, at) => ({ before: at })],
    ['after the same card', at => ({ after: at }), (_, __, at) => ({ after: at })],
    [
      'by turns before and after the newest',
      at => ({ before: at }),
      (newest, n) => (n % 2 ? { before: newest } : { after: newest }),
    ],
  ]

  it.each(ways)(
    '%s keep ranks short, and all cards in order and unedited',
    async (_how, first, then) => {
      const { id: projectId } = await newProject(ann, workspaceId)
      await race(2 * BYSTANDERS, () => newTask(ann.api, projectId))
      const before = (await column(projectId)).map(({ id }) => id)
      const at = before[BYSTANDERS] ?? ''
      const chain = new Chain(before)
      const { longest, roomMade } = await crowd(projectId, chain, first(at), (id, n) => then(id, n, at))
      const after = await column(projectId)
      expect(after.map(({ id }) => id)).toEqual(chain.ids)
      expect(after.every(({ version }) => version === 1)).toBe(true)
      expect(Math.max(longest, ...after.map(({ rank }) => rank.length))).toBeLessThanOrEqual(128)
      expect(roomMade).toBeGreaterThan(INSERTIONS / 1_000)
    },
    60_000 + INSERTIONS * 60,
  )

  it(
    'before the first one need no room to be made',
    async () => {
      const { id: projectId } = await newProject(ann, workspaceId)
      const { id } = await newTask(ann.api, projectId)
      const chain = new Chain([id])
      const crowded = await crowd(projectId, chain, { before: id }, newest => ({ before: newest }))
      expect(crowded.longest).toBeLessThan(10)
      expect((await column(projectId)).map(card => card.id)).toEqual(chain.ids)
    },
    60_000 + INSERTIONS * 60,
  )
})

describe('where cards have crowded', () => {
  /** Has cards that were moved between two others until ranks got long. */
  async function crowdedProject(cards: number) {
    const { id: projectId } = await newProject(ann, workspaceId)
    await race(cards, () => newTask(ann.api, projectId))
    const [first, second, ...others] = (await column(projectId)).map(({ id }) => id)
    await rows(
      app,
      `update tasks set rank = case id when $1 then 'a0' when $2 then 'a01'
         else 'a00' || repeat('V', 60) || lpad(number::text, 4, '0') || 'V' end
       where project_id = $3`,
      [first, second, projectId],
    )
    return { projectId, first, second, others }
  }

  async function connect(projectId: string) {
    const board = new Board(await connectChat(app.origin, ann.accessToken), projectId)
    await board.resume()
    return board
  }

  const inOrder = (cards: Iterable<Task>) =>
    [...cards].sort((one, other) => (one.rank < other.rank ? -1 : 1)).map(({ id }) => id)

  it('they get room after the next move, in steps that never put a live board out of order', async () => {
    const { projectId, others } = await crowdedProject(42)
    const board = await connect(projectId)
    const [moving, anchor] = [others[7] ?? '', others[30] ?? '']
    const orders: string[][] = []
    board.chat.socket.onAny(event => {
      if (event.startsWith('task:')) orders.push(inOrder(board.tasks.values()))
    })
    const expected = inOrder(board.tasks.values()).filter(id => id !== moving)
    expected.splice(expected.indexOf(anchor), 0, moving)
    const { version } = await ann.api.data('POST', `/tasks/${moving}/reorder`, { before: anchor })
    expect(version).toBe(2)
    const isRoomy = () => [...board.tasks.values()].every(({ rank }) => rank.length < 32) || undefined
    await board.chat.until(isRoomy, 'short ranks')
    expect(orders.length).toBeGreaterThan(30)
    expect(new Set(orders.map(String))).toEqual(new Set([String(expected)]))
    expect(board.disorder).toEqual([])

    const stored = await column(projectId)
    expect(stored.map(({ id }) => id)).toEqual(expected)
    expect(stored.map(({ id, rank }) => [id, rank])).toEqual(
      expected.map(id => [id, board.tasks.get(id)?.rank]),
    )
    expect(stored.filter(card => card.version !== 1).map(({ id }) => id)).toEqual([moving])
    const edit = await ann.api.patch(
      `/tasks/${anchor}`,
      { title: 'Edited' },
      { headers: { 'If-Match': '"1"' } },
    )
    expect(edit.status).toBe(200)
    board.chat.close()
  })

  it('in great numbers, whoever shows the board loads it afresh', async () => {
    const { projectId, others } = await crowdedProject(140)
    const board = await connect(projectId)
    const expected = inOrder(board.tasks.values())
    await ann.api.data('POST', `/tasks/${others[70]}/reorder`, { after: others[72] })
    const [moved] = expected.splice(expected.indexOf(others[70] ?? ''), 1)
    expected.splice(expected.indexOf(others[72] ?? '') + 1, 0, moved ?? '')
    const { seq } = await board.chat.next('project:changed')
    const { lastSeq } = await ann.api.data('GET', `/projects/${projectId}`)
    expect(lastSeq).toBe(seq)
    const stored = await column(projectId)
    expect(stored.map(({ id }) => id)).toEqual(expected)
    expect(Math.max(...stored.map(({ rank }) => rank.length))).toBeLessThan(32)
    board.chat.close()
  })

  it('and nobody has made room yet, the move itself does', async () => {
    const { projectId, first, second, others } = await crowdedProject(12)
    await rows(app, `update tasks set rank = 'a00' || repeat('V', 140) where id = $1`, [others[0]])
    await rows(app, `update tasks set rank = 'a00' || repeat('V', 140) || '1' where id = $1`, [others[1]])
    const { rank } = await ann.api.data('POST', `/tasks/${second}/reorder`, { after: others[0] })
    expect(rank.length).toBeLessThan(32)
    const stored = await column(projectId)
    expect(stored.map(({ id }) => id)).toEqual([first, ...others.slice(2), others[0], second, others[1]])
    expect(stored.map(({ version }) => version)).toEqual(stored.map(({ id }) => (id === second ? 2 : 1)))
  })
})
