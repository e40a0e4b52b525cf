import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { CONFIG, type Config } from '../../src/config.js'
import { FILES, type FileStore } from '../../src/files/file-store.js'
import type { Attachment } from '../../src/modules/attachments/attachments.contract.js'
import { SweepService } from '../../src/modules/attachments/sweep.service.js'
import { Api, register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { cloneDatabase } from '../support/database.js'
import { startServer, temporaryFolder } from '../support/process.js'
import { newProject, newTask, rows } from '../work/support.js'
import { attach, begin, filesOf, form, upload } from './uploading.js'

const HOUR_MS = 60 * 60_000
const DAY_MS = 24 * HOUR_MS

let app: TestApp
let store: FileStore
let sweep: SweepService
let ann: TestUser
let workspaceId: string
let projectId: string
let taskId: string

beforeAll(async () => {
  app = await startApp()
  store = app.container.resolve<FileStore>(FILES)
  sweep = app.container.resolve(SweepService)
  ann = await register(app.origin, 'Ann')
})
afterAll(() => app.stop())
beforeEach(async () => {
  workspaceId = (await workspaceOf(ann)).id
  projectId = (await newProject(ann, workspaceId)).id
  taskId = (await newTask(ann.api, projectId)).id
})

function pathOf(key: string) {
  const { dataDir } = app.container.resolve<Config>(CONFIG)
  return join(dataDir, 'attachments', key.slice(0, 2), key.slice(2, 4), key)
}
async function keyOf({ id }: Attachment): Promise<string> {
  return (await rows(app, 'select storage_key from attachments where id = $1', [id]))[0].storage_key
}
const isStored = async (attachment: Attachment) => existsSync(pathOf(await keyOf(attachment)))

/** A file that belongs to nothing. */
function leave(ageMs: number, ending = ''): string {
  const key = randomUUID() + ending
  mkdirSync(dirname(pathOf(key)), { recursive: true })
  writeFileSync(pathOf(key), 'left behind')
  const at = (Date.now() - ageMs) / 1000
  utimesSync(pathOf(key), at, at)
  return key
}

describe('the sweep', () => {
  test('removes files that belong to nothing once they are older than a day', async () => {
    const kept = await attach(ann.api, taskId)
    const [old, draft, young] = [leave(25 * HOUR_MS), leave(25 * HOUR_MS, '.part'), leave(23 * HOUR_MS)]
    expect(await sweep.sweep(Date.now())).toEqual({ removed: 2, missing: 0 })
    expect([old, draft, young].map(key => existsSync(pathOf(key)))).toEqual([false, false, true])
    expect(await isStored(kept)).toBe(true)
    await store.remove(young)
  })

  test('leaves what is needed alone, however old it is', async () => {
    const kept = await attach(ann.api, taskId)
    expect(await sweep.sweep(Date.now() + 365 * DAY_MS)).toMatchObject({ missing: 0 })
    expect((await ann.api.get(`/attachments/${kept.id}/download`)).body).toBe('hello')
  })

  test.each([
    ['task', () => `/tasks/${taskId}`],
    ['project', () => `/projects/${projectId}`],
    ['workspace', () => `/workspaces/${workspaceId}`],
  ])('removes the files of a %s a day after it was deleted', async (_what, path) => {
    const gone = await attach(ann.api, taskId)
    await ann.api.data('DELETE', path())
    await sweep.sweep(Date.now() + 23 * HOUR_MS)
    expect(await isStored(gone)).toBe(true)
    await sweep.sweep(Date.now() + 25 * HOUR_MS)
    expect(await isStored(gone)).toBe(false)
    expect(await sweep.sweep(Date.now() + 25 * HOUR_MS)).toEqual({ removed: 0, missing: 0 })
  })

  test('gives the room of a deleted task back', async () => {
    const small = await startApp({ config: { workspaceQuotaBytes: 1_000 } })
    const bea = await register(small.origin, 'Bea')
    const project = await newProject(bea, (await workspaceOf(bea)).id)
    const [first, second] = [await newTask(bea.api, project.id), await newTask(bea.api, project.id)]
    await attach(bea.api, first.id, Buffer.alloc(1_000))
    await bea.api.data('DELETE', `/tasks/${first.id}`)
    expect((await upload(bea.api, second.id, 'x')).body.code).toBe('QUOTA_EXCEEDED')
    await small.container.resolve(SweepService).sweep(Date.now() + 25 * HOUR_MS)
    expect((await upload(bea.api, second.id, 'x')).status).toBe(201)
    await small.stop()
  })

  test('removes what could not be removed when its attachment was deleted', async () => {
    const attachment = await attach(ann.api, taskId)
    vi.spyOn(store, 'remove').mockRejectedValueOnce(new Error('the store is away'))
    expect((await ann.api.delete(`/attachments/${attachment.id}`)).status).toBe(204)
    expect(await isStored(attachment)).toBe(true)
    await sweep.sweep(Date.now() + 25 * HOUR_MS)
    expect(await isStored(attachment)).toBe(false)
  })

  test('reports attachments that have lost their files, and leaves them', async () => {
    const lost = await attach(ann.api, taskId)
    unlinkSync(pathOf(await keyOf(lost)))
    expect(await sweep.sweep(Date.now())).toMatchObject({ missing: 0 })
    expect(await sweep.sweep(Date.now() + 25 * HOUR_MS)).toMatchObject({ missing: 1 })
    expect((await ann.api.get(`/attachments/${lost.id}`)).status).toBe(200)
    await ann.api.data('DELETE', `/attachments/${lost.id}`)
  })

  test('asks as little whether there are few attachments or many', async () => {
    const cost = async () => {
      const before = app.statements()
      await sweep.sweep(Date.now())
      return app.statements() - before
    }
    const few = await cost()
    for (let index = 0; index < 20; index++) await attach(ann.api, taskId)
    expect(Math.abs((await cost()) - few)).toBeLessThan(20)
  })
})

test('a kill between the file and its row leaves only a file, which the sweep removes', async () => {
  const { url, drop } = await cloneDatabase()
  const [dataDir, jwtSecret] = [temporaryFolder(), randomUUID()]
  const env = { DATABASE_URL: url, VIBED_DATA_DIR: dataDir, JWT_SECRET: jwtSecret, RATE_LIMITS: 'off' }
  const { server, origin } = await startServer(env)
  const other = await startApp({ config: { databaseUrl: url, dataDir, jwtSecret } })
  const bea = await register(origin, 'Bea')
  const project = await newProject(bea, (await workspaceOf(bea)).id)
  const task = await newTask(bea.api, project.id)

  // The row waits for the lock of its workspace, which somebody else has.
  const blocker = await other.database.pool.connect()
  await blocker.query('begin')
  await blocker.query('select from workspaces for update')
  const { req, answer } = begin(bea.api, `/tasks/${task.id}/attachments`)
  req.end(form('lost with the server'))
  await vi.waitFor(async () => {
    const waiting = await rows(other, `select from pg_locks where not granted`)
    expect(waiting.length).toBeGreaterThan(0)
  })
  await Promise.all([server.kill(), expect(answer).rejects.toThrow()])
  await blocker.query('rollback')
  blocker.release()

  const [file] = filesOf(other)
  expect(file).toMatch(/^[\da-f-]{36}$/)
  expect(await rows(other, 'select from attachments')).toEqual([])
  expect(await new Api(other.origin, bea.accessToken).data('GET', `/tasks/${task.id}`)).toMatchObject({
    attachmentCount: 0,
  })
  const swept = (now: number) => other.container.resolve(SweepService).sweep(now)
  expect(await swept(Date.now())).toEqual({ removed: 0, missing: 0 })
  expect(filesOf(other)).toEqual([file])
  expect(await swept(Date.now() + 25 * HOUR_MS)).toEqual({ removed: 1, missing: 0 })
  expect(filesOf(other)).toEqual([])
  await other.stop()
  await drop()
})
