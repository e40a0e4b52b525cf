import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { HttpException } from '@forinda/kickjs-core'
import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { Database } from '../../src/db/database.js'
import { translateDatabaseError } from '../../src/db/unavailable.js'
import { cloneDatabase } from '../support/database.js'
import { ServerProcess, temporaryFolder } from '../support/process.js'

/** An embedded database in memory and the thread that it runs in. */
async function openWithWorker() {
  const made = new Promise<Worker>(resolve => process.once('worker', resolve))
  return { database: await Database.open({}), worker: await made }
}

const outcome = (query: Promise<unknown>) => query.then(() => 'ok', translateDatabaseError)

test('when the thread of the embedded database dies, queries under way and all later ones say that it is away', async () => {
  const { database, worker } = await openWithWorker()
  const underWay = outcome(database.query.execute(sql`select pg_sleep(60)`))
  await worker.terminate()
  const errors = [await underWay, await outcome(database.ping()), await outcome(database.ping())]
  for (const error of errors) {
    expect(error).toBeInstanceOf(HttpException)
    expect(error).toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
  }
  expect((await database.failed).message).toMatch(/embedded database has stopped: its thread ended/)
  await database.close()
})

test('closing the embedded database does not wait for the end of a long statement, and is no failure', async () => {
  const { database } = await openWithWorker()
  let failed = false
  void database.failed.then(() => {
    failed = true
  })
  const acquired = once(database.pool, 'acquire')
  const underWay = outcome(
    database.query.execute(sql`select count(*) from generate_series(1, 1000000000000)`),
  )
  await acquired
  const begun = performance.now()
  await database.close()
  expect(performance.now() - begun).toBeLessThan(4_000)
  expect(await underWay).toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
  expect(failed).toBe(false)
})

test('closing Postgres does not wait for the end of a long statement', async () => {
  const cloned = await cloneDatabase()
  const database = await Database.open({ url: cloned.url })
  const acquired = once(database.pool, 'acquire')
  const underWay = outcome(database.query.execute(sql`select pg_sleep(25)`))
  await acquired
  const begun = performance.now()
  await database.close()
  expect(performance.now() - begun).toBeLessThan(4_000)
  await cloned.drop()
  expect(await underWay).toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
})

/** Starts a server with a script loaded before it. */
async function startWith(script: string, folder = temporaryFolder()) {
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(script)}`
  const server = new ServerProcess({ NODE_OPTIONS, PORT: '0', VIBED_DATA_DIR: folder })
  await server.origin()
  return server
}

test('a server whose embedded database dies ends with one line that says so', async () => {
  const folder = temporaryFolder()
  const server = await startWith(
    `process.once('worker', worker => process.on('SIGUSR2', () => worker.terminate()))`,
    folder,
  )
  server.signal('SIGUSR2')
  const { code, stderr } = await server.ended
  expect(code).toBe(1)
  expect(stderr).toMatch(/^The embedded database has stopped: [^\n]+\n$/)
  // Its folder is free again.
  await new ServerProcess({ PORT: '0', VIBED_DATA_DIR: folder }).origin()
}, 60_000)

test('a server that cannot stop as it should says why in its log and ends with 1', async () => {
  const server = await startWith(`
    import fs from 'node:fs'
    import { syncBuiltinESMExports } from 'node:module'
    const fail = () => { throw new Error('The disk is gone') }
    process.on('SIGUSR2', () => {
      fs.rmSync = fail
      syncBuiltinESMExports()
      process.kill(process.pid, 'SIGTERM')
    })`)
  server.signal('SIGUSR2')
  const { code, stdout, stderr } = await server.ended
  expect([code, stderr]).toEqual([1, ''])
  expect(stdout).toContain('The disk is gone')
}, 60_000)
