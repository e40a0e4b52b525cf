import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Task } from '../../src/modules/tasks/tasks.contract.js'
import { until } from '../cluster/nodes.js'
import { type Answer, register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { Board } from '../support/board.js'
import { connectChat } from '../support/chat.js'
import { tcpProxy } from '../support/tcp-proxy.js'
import { newProject, newTask, race, rows, tally } from '../work/support.js'

/** The full measure is 60: see docs/testing.md. */
const SECONDS = Number(process.env.TEST_CUT_SECONDS ?? 5)
const WRITES_PER_SECOND = 50

let app: TestApp
let ann: TestUser
let ben: TestUser
let workspaceId: string

beforeAll(async () => {
  app = await startApp()
  ann = await register(app.origin, 'Ann')
  ben = await register(app.origin, 'Ben')
  workspaceId = (await workspaceOf(ann, ben)).id
})
afterAll(() => app.stop())

const any = <T>(list: readonly T[]): T | undefined => list[Math.floor(Math.random() * list.length)]
const statuses = ['backlog', 'todo', 'in_progress', 'done']

/** One change of any kind by REST; what another one deleted meanwhile is refused. */
async function change({ api }: TestUser, projectId: string, ids: string[]): Promise<Answer> {
  const [id, what] = [any(ids), Math.random()]
  if (id === undefined || what < 0.2) {
    const made = await api.post(`/projects/${projectId}/tasks`, { title: 'New', status: any(statuses) })
    if (made.status === 201) ids.push(made.body.data.id)
    return made
  }
  if (what < 0.5) return api.patch(`/tasks/${id}`, { title: `Renamed at ${what}` })
  if (what < 0.6) return api.patch(`/tasks/${id}/status`, { status: any(statuses) })
  if (what < 0.9)
    return api.post(`/tasks/${id}/reorder`, { status: 'todo', ...(what < 0.7 && { after: any(ids) }) })
  ids.splice(ids.indexOf(id), 1)
  return api.delete(`/tasks/${id}`)
}

/** Writes at a steady pace; gives the answers when all have come. */
async function write(projectId: string, ids: string[], midway: () => Promise<unknown>): Promise<Answer[]> {
  const writes = SECONDS * WRITES_PER_SECOND
  const begun = performance.now()
  const answers: Promise<Answer>[] = []
  for (let n = 0; n < writes; n++) {
    await delay(begun + (n * 1_000) / WRITES_PER_SECOND - performance.now())
    answers.push(change(n % 2 ? ann : ben, projectId, ids))
    if (n === Math.floor(writes / 2)) await midway()
  }
  return Promise.all(answers)
}

/** More than can be told one by one is loaded afresh, and so is a board whose columns changed. */
const isTooMuch = SECONDS * WRITES_PER_SECOND > 1_000

/** Whether the one who stays and the one who is cut off have to load the board afresh. */
type Loads = [staying: boolean, leaving: boolean]

const cases: [what: string, loads: Loads, midway: (projectId: string) => Promise<unknown>][] = [
  ['tasks', [false, isTooMuch], async () => {}],
  [
    'tasks and a column',
    [true, true],
    projectId =>
      ann.api.data('POST', `/projects/${projectId}/statuses`, {
        key: 'late',
        name: 'Late',
        group: 'started',
      }),
  ],
]

test.each(cases)(
  `whoever is cut off for ${SECONDS} s, while ${WRITES_PER_SECOND} changes of %s a second go on, comes back to the board of the others`,
  async (_what, loads, midway) => {
    const { id: projectId } = await newProject(ann, workspaceId)
    const ids = (await race(30, () => newTask(ann.api, projectId))).map(({ id }) => id)
    const proxy = await tcpProxy('127.0.0.1', Number(new URL(app.origin).port))
    const staying = new Board(await connectChat(app.origin, ann.accessToken), projectId, ann.api)
    const reconnecting = { reconnection: true, reconnectionDelayMax: 1_000 }
    const line = await connectChat(`http://127.0.0.1:${proxy.port}`, ben.accessToken, reconnecting)
    const leaving = new Board(line, projectId, ben.api)
    for (const board of [staying, leaving]) await board.resume()

    const back = new Promise<void>((resolve, reject) => {
      line.socket.on('welcome', () => leaving.resume().then(resolve, reject))
    })
    proxy.shut()
    const answers = await write(projectId, ids, () => midway(projectId))
    const heard = line.heard.length
    expect(line.socket.connected).toBe(false)
    proxy.open()
    // It comes back amid further changes.
    answers.push(...(await Promise.all(Array.from({ length: 50 }, () => change(ann, projectId, ids)))))
    await back
    expect(line.heard.length).toBeGreaterThan(heard)

    const { lastSeq } = await ann.api.data('GET', `/projects/${projectId}`)
    for (const { seq } of [staying, leaving]) expect(seq).toBeLessThanOrEqual(lastSeq)
    await until(async () => [staying, leaving].every(board => board.seq === lastSeq), 'the last change')
    const fresh = new Board(await connectChat(app.origin, ann.accessToken), projectId, ann.api)
    await fresh.resume()
    const shown = (board: Board) => Object.fromEntries(board.tasks)
    expect(shown(leaving)).toEqual(shown(staying))
    expect(shown(leaving)).toEqual(shown(fresh))
    const stored = await rows(
      app,
      'select id, status, rank, title, version, seq from tasks where project_id = $1 and deleted_at is null',
      [projectId],
    )
    const fields = ({ id, status, rank, title, version, seq }: Task) => ({
      id,
      status,
      rank,
      title,
      version,
      seq,
    })
    const byId = (one: { id: string }, other: { id: string }) => (one.id < other.id ? -1 : 1)
    expect([...leaving.tasks.values()].map(fields).sort(byId)).toEqual(stored.sort(byId))
    expect([staying.loads > 0, leaving.loads > 0]).toEqual(loads)
    expect([...staying.disorder, ...leaving.disorder]).toEqual([])

    const refused = answers.filter(({ status }) => status >= 300)
    expect(
      Object.keys(tally(refused)).filter(name => !/^404 TASK_NOT_FOUND|^422 NEIGHBOUR_NOT_FOUND/.test(name)),
    ).toEqual([])
    expect(answers.length - refused.length).toBeGreaterThan(answers.length * 0.6)
    for (const board of [staying, leaving, fresh]) board.chat.close()
    proxy.close()
  },
  60_000 + SECONDS * 3_000,
)
