import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { cloneDatabase } from '../support/database.js'

const script = fileURLToPath(new URL('../support/cron-node.mjs', import.meta.url))

interface Note {
  what: 'came' | 'began'
  node: string
  due: string
}

let database: Awaited<ReturnType<typeof cloneDatabase>>
let client: pg.Client
let nodes: ChildProcess[]

beforeEach(async () => {
  nodes = []
  database = await cloneDatabase()
  client = new pg.Client({ connectionString: database.url })
  await client.connect()
  await client.query('create table notes (what text, node text, due text, at timestamptz default now())')
})
afterEach(async () => {
  for (const node of nodes) await end(node)
  await client.end()
  await database.drop()
})

function start(name: string, skewMs = 0): ChildProcess {
  const env = { DATABASE_URL: database.url, NODE_NAME: name, SKEW_MS: String(skewMs) }
  const node = spawn(process.execPath, [script], { env, stdio: ['ignore', 'ignore', 'inherit'] })
  nodes.push(node)
  return node
}

async function end(node: ChildProcess) {
  if (node.exitCode !== null || node.signalCode !== null) return
  node.kill('SIGKILL')
  await once(node, 'exit')
}

async function notes(what: Note['what'], node?: string): Promise<Note[]> {
  const { rows } = await client.query(
    'select what, node, due from notes where what = $1 and node = coalesce($2, node) order by at',
    [what, node],
  )
  return rows
}

async function hasCome(node: string, turns = 1) {
  const enough = async () => expect((await notes('came', node)).length).toBeGreaterThanOrEqual(turns)
  await vi.waitFor(enough, { timeout: 20_000 })
}

/** The first node is in the middle of a turn that the second one has come to as well. */
async function oneAtWorkAndOneWaiting() {
  const first = start('first')
  start('second', -700)
  await hasCome('first')
  await hasCome('second')
  first.kill('SIGUSR2')
  const waiting = async () => {
    const { rowCount } = await client.query(
      `select from pg_locks join pg_database on pg_database.oid = database
       where locktype = 'advisory' and not granted and datname = current_database()`,
    )
    expect(rowCount).toBe(1)
    return (await notes('began', 'first')).at(-1)?.due ?? ''
  }
  return { first, due: await vi.waitFor(waiting, { timeout: 20_000, interval: 20 }) }
}

/** How long it takes until a node begins a turn, in milliseconds. */
async function untilBegun(node: string, due: string): Promise<number> {
  const since = performance.now()
  const begun = async () => expect((await notes('began', node)).map(note => note.due)).toContain(due)
  await vi.waitFor(begun, { timeout: 20_000, interval: 20 })
  return performance.now() - since
}

describe('a job for all nodes', { timeout: 60_000 }, () => {
  test('runs once a turn, though the clocks of the nodes are seconds apart', async () => {
    start('early')
    await hasCome('early')
    start('late', -3_300)
    await hasCome('late', 4)
    const began = (await notes('began')).map(({ due }) => due)
    expect(began).toEqual([...new Set(began)].sort())
    expect(began.filter(due => !/[02468]\.000Z$/.test(due))).toEqual([])
    const late = (await notes('came', 'late')).map(({ due }) => due).filter(due => due > String(began[0]))
    expect(began).toEqual(expect.arrayContaining(late))
    expect(late.length).toBeGreaterThan(1)
  })

  test('is taken over at once from a node that is killed in the middle of it', async () => {
    const { first, due } = await oneAtWorkAndOneWaiting()
    await end(first)
    expect(await untilBegun('second', due)).toBeLessThan(2_000)
  })

  test('is taken over from a node that stands still, whose end nobody sees', async () => {
    const { first, due } = await oneAtWorkAndOneWaiting()
    first.kill('SIGSTOP')
    expect(await untilBegun('second', due)).toBeLessThan(15_000)
  })
})
