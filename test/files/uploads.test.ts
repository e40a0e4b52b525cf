import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { FILES, type FileStore } from '../../src/files/file-store.js'
import type { Task } from '../../src/modules/tasks/tasks.contract.js'
import { Api, register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { newProject, newTask, problemOf, race, rows, tally } from '../work/support.js'
import { attach, BOUNDARY, begin, end, filesOf, form, part, upload, write } from './uploading.js'

const MEGABYTE = 2 ** 20
const MOST = 2 * MEGABYTE

let app: TestApp
let store: FileStore
let ann: TestUser
let workspaceId: string
let projectId: string
let task: Task
let path: string

beforeAll(async () => {
  app = await startApp({ config: { maxUploadBytes: MOST } })
  store = app.container.resolve<FileStore>(FILES)
  ann = await register(app.origin, 'Ann')
})
afterEach(() => {
  vi.restoreAllMocks()
})
afterAll(() => app.stop())
beforeEach(async () => {
  workspaceId = (await workspaceOf(ann)).id
  projectId = (await newProject(ann, workspaceId)).id
  task = await newTask(ann.api, projectId)
  path = `/tasks/${task.id}/attachments`
})

const list = () => ann.api.data('GET', path)

/** Nothing was kept of what was refused: neither a row nor a file. */
async function expectNothingOf(filesBefore: readonly string[]) {
  await vi.waitFor(() => expect(filesOf(app).sort()).toEqual([...filesBefore].sort()))
  expect(await list()).toEqual([])
}

describe('a form', () => {
  const file = (name = 'file', fileName = 'note.txt') =>
    part(`form-data; name="${name}"; filename="${fileName}"`)
  const field = part('form-data; name="comment"', 'hello')

  test.each([
    ['without anything', [end], '422 VALIDATION_ERROR body.file'],
    ['with a file of another name', [file('document'), end], '422 VALIDATION_ERROR body'],
    ['with two files', [file(), file(), end], '422 VALIDATION_ERROR body.file'],
    ['with a field beside the file', [file(), field, end], '422 VALIDATION_ERROR body'],
    ['with a field before the file', [field, file(), end], '422 VALIDATION_ERROR body'],
    ['with a thousand fields', [...Array(1_000).fill(field), end], '422 VALIDATION_ERROR body'],
    ['with a text as its file', [part('form-data; name="file"'), end], '422 VALIDATION_ERROR body'],
    [
      'with no file chosen',
      [part('form-data; name="file"; filename=""', '', 'Content-Type: application/octet-stream\r\n'), end],
      '422 VALIDATION_ERROR body.file',
    ],
    ['with a name of nothing but a path', [file('file', 'a/b/'), end], '422 VALIDATION_ERROR body.file'],
    ['that is empty', [], '400 MALFORMED_UPLOAD'],
    ['that is cut off after its file', [file()], '400 MALFORMED_UPLOAD'],
    ['that is cut off in its file', [file().subarray(0, -4)], '400 MALFORMED_UPLOAD'],
    ['that is cut off in its headers', [file().subarray(0, 40)], '400 MALFORMED_UPLOAD'],
    ['with broken headers', [part('form-data', '', 'no colon\r\n'), end], '400 MALFORMED_UPLOAD'],
    [
      'with endless headers',
      [part('form-data', '', `X: ${'x'.repeat(20_000)}\r\n`), end],
      '400 MALFORMED_UPLOAD',
    ],
    [
      'with broken headers after its file',
      [file(), part('form-data', '', 'no colon\r\n'), end],
      '400 MALFORMED_UPLOAD',
    ],
    ['that is noise', [randomBytes(10_000)], '400 MALFORMED_UPLOAD'],
  ])('%s is refused', async (_what, parts, problem) => {
    const before = filesOf(app)
    const headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }
    const answer = await ann.api.post(path, undefined, { raw: Buffer.concat(parts), headers })
    expect(problemOf(answer)).toBe(problem)
    await expectNothingOf(before)
  })

  test.each([
    ['multipart/form-data', '400 MALFORMED_UPLOAD'],
    ['multipart/form-data; boundary=', '400 MALFORMED_UPLOAD'],
    ['multipart/form-data; boundary=another', '400 MALFORMED_UPLOAD'],
    [`multipart/form-data; boundary=${'x'.repeat(8_000)}`, '400 MALFORMED_UPLOAD'],
    ['multipart/mixed; boundary=a-boundary', '415 UNSUPPORTED_MEDIA_TYPE'],
    ['application/x-www-form-urlencoded', '415 UNSUPPORTED_MEDIA_TYPE'],
    ['application/json', '415 UNSUPPORTED_MEDIA_TYPE'],
    ['text/plain', '415 UNSUPPORTED_MEDIA_TYPE'],
  ])('sent as %s is refused', async (type, problem) => {
    const answer = await ann.api.post(path, undefined, { raw: form(), headers: { 'content-type': type } })
    expect(problemOf(answer)).toBe(problem)
  })

  test('is not taken where none is there at all', async () => {
    expect(problemOf(await ann.api.post(path))).toBe('415 UNSUPPORTED_MEDIA_TYPE')
  })

  test('holds bytes that look like a boundary, and the line ends of its file', async () => {
    const content = '\r\n--a-boundar\r\n--A-boundary--\r\n-\r\n--'
    const { id, size } = await attach(ann.api, task.id, content)
    expect(size).toBe(Buffer.byteLength(content))
    expect((await ann.api.get(`/attachments/${id}/download`)).body).toBe(content)
  })

  test('arrives in pieces of any size', async () => {
    const { req, answer } = begin(ann.api, path)
    for (const byte of form('a slow one')) {
      await write(req, Buffer.from([byte]))
      if (byte % 16 === 0) await delay(1)
    }
    req.end()
    const { status, body } = await answer
    expect([status, JSON.parse(body).data.size]).toEqual([201, 10])
  })
})

describe('before anything of it is read', () => {
  const announced = { 'content-length': 1_000_000 }

  test.each([
    ['nobody', 401, async () => new Api(app.origin)],
    ['somebody who does not see the task', 404, async () => (await register(app.origin, 'Out')).api],
  ])('an upload of %s is refused', async (_who, status, api) => {
    const { req, answer } = begin(await api(), path, announced)
    req.flushHeaders()
    expect((await answer).status).toBe(status)
    req.destroy()
  })

  test('so is one that is announced too large, or larger than the room that is left', async () => {
    const large = begin(ann.api, path, { 'content-length': MOST + 100_000 })
    large.req.flushHeaders()
    expect((await large.answer).code).toBe('PAYLOAD_TOO_LARGE')
    large.req.destroy()
    const config = { workspaceQuotaBytes: 100_000 }
    const small = await startApp({ config })
    const bea = await register(small.origin, 'Bea')
    const project = await newProject(bea, (await workspaceOf(bea)).id)
    const { id } = await newTask(bea.api, project.id)
    const full = begin(bea.api, `/tasks/${id}/attachments`, announced)
    full.req.flushHeaders()
    expect((await full.answer).code).toBe('QUOTA_EXCEEDED')
    full.req.destroy()
    await small.stop()
  })
})

describe('the size', () => {
  test('may be the limit, and not a byte more', async () => {
    const before = filesOf(app)
    expect(problemOf(await upload(ann.api, task.id, Buffer.alloc(MOST + 1)))).toBe('413 PAYLOAD_TOO_LARGE')
    await expectNothingOf(before)
    expect((await attach(ann.api, task.id, Buffer.alloc(MOST))).size).toBe(MOST)
  })

  test('is refused as soon as it is too large, and whoever sends on gets the answer all the same', async () => {
    const before = filesOf(app)
    const { req, answer } = begin(ann.api, path)
    await write(req, part('form-data; name="file"; filename="endless"').subarray(0, -2))
    let isAnswered = false
    void answer.then(() => {
      isAnswered = true
    })
    let sent = 0
    while (!isAnswered) {
      await write(req, Buffer.alloc(65_536))
      sent += 65_536
    }
    expect((await answer).code).toBe('PAYLOAD_TOO_LARGE')
    expect(sent).toBeGreaterThan(MOST)
    // He may even go on to the end.
    for (let more = 0; more < 100; more++) await write(req, Buffer.alloc(65_536))
    await new Promise<void>(resolve => req.end(resolve))
    await expectNothingOf(before)
  })

  test('may be nothing', async () => {
    const { id, size, contentType } = await attach(ann.api, task.id, '', 'empty.log')
    expect([size, contentType]).toEqual([0, 'text/plain'])
    const { status, headers, body } = await ann.api.get(`/attachments/${id}/download`)
    expect([status, headers.get('content-length'), body]).toEqual([200, '0', ''])
  })
})

describe('a large upload', () => {
  const size = 100 * MEGABYTE
  const piece = Buffer.alloc(65_536, 'x')
  const head = part('form-data; name="file"; filename="large"', '').subarray(0, -2)
  const tail = Buffer.concat([Buffer.from('\r\n'), end])
  let large: TestApp
  let bea: TestUser
  let place: string

  beforeAll(async () => {
    large = await startApp({ config: { maxUploadBytes: size } })
    bea = await register(large.origin, 'Bea')
    const project = await newProject(bea, (await workspaceOf(bea)).id)
    place = `/tasks/${(await newTask(bea.api, project.id)).id}/attachments`
  })
  afterAll(() => large.stop())

  test('goes through without being held in memory', async () => {
    setFlagsFromString('--expose-gc')
    const collectGarbage: () => void = runInNewContext('gc')
    const held = () => {
      collectGarbage()
      const { heapUsed, arrayBuffers } = process.memoryUsage()
      return heapUsed + arrayBuffers
    }
    const { req, answer } = begin(bea.api, place)
    await write(req, head)
    const before = held()
    let most = 0
    for (let sent = 0; sent < size; sent += piece.length) {
      await write(req, piece)
      if (sent % (5 * MEGABYTE) === 0) most = Math.max(most, held() - before)
    }
    req.end(tail)
    const { status, body } = await answer
    expect([status, JSON.parse(body).data.size]).toEqual([201, size])
    expect(most).toBeLessThan(size / 10)
  })

  test('waits for a store that is slow', async () => {
    let resume: () => void = () => {}
    const resumed = new Promise<void>(resolve => {
      resume = resolve
    })
    vi.spyOn(large.container.resolve<FileStore>(FILES), 'put').mockImplementationOnce(
      async (_key, content) => {
        await resumed
        let bytes = 0
        for await (const chunk of content) bytes += chunk.length
        return bytes
      },
    )
    const { req, answer } = begin(bea.api, place)
    let sent = 0
    const all = (async () => {
      await write(req, head)
      for (; sent < size; sent += piece.length) await write(req, piece)
      req.end(tail)
    })()
    for (let before = -1; before !== sent; await delay(200)) before = sent
    // What the sockets of both sides take.
    expect(sent).toBeLessThan(size / 4)
    resume()
    await all
    expect((await answer).status).toBe(201)
  })
})

describe('an upload', () => {
  test.each([
    ['in the file', 500_000],
    ['before the file', 60],
  ])('that breaks off %s leaves nothing', async (_where, length) => {
    const before = filesOf(app)
    const { req, answer } = begin(ann.api, path)
    answer.catch(() => {})
    await write(req, form(Buffer.alloc(1_000_000)).subarray(0, length))
    if (length > 100_000) await vi.waitFor(() => expect(filesOf(app)).toHaveLength(before.length + 1))
    req.destroy()
    await expectNothingOf(before)
    expect((await ann.api.get('/users/me')).status).toBe(200)
  })

  test('that cannot be stored is told so, and may be tried again', async () => {
    const before = filesOf(app)
    const put = vi.spyOn(store, 'put')
    put.mockRejectedValueOnce(new Error('no space left'))
    expect(problemOf(await upload(ann.api, task.id, Buffer.alloc(MOST)))).toBe('503 FILES_UNAVAILABLE')
    put.mockImplementationOnce(async (_key, content) => {
      for await (const _ of content) throw new Error('no space left')
      return 0
    })
    expect(problemOf(await upload(ann.api, task.id, Buffer.alloc(MOST)))).toBe('503 FILES_UNAVAILABLE')
    await expectNothingOf(before)
    expect((await attach(ann.api, task.id)).size).toBe(5)
  })

  test('of somebody who loses the task meanwhile is refused, and leaves nothing', async () => {
    const ben = await register(app.origin, 'Ben')
    const { token } = await ann.api.data('POST', `/workspaces/${workspaceId}/invite`, {
      email: ben.email,
      role: 'member',
    })
    await ben.api.data('POST', '/invitations/accept', { token })
    const before = filesOf(app)
    const { req, answer } = begin(ben.api, path)
    const whole = form(Buffer.alloc(500_000))
    await write(req, whole.subarray(0, 300_000))
    await vi.waitFor(() => expect(filesOf(app)).toHaveLength(before.length + 1))
    await ann.api.data('DELETE', `/workspaces/${workspaceId}/members/${ben.id}`)
    req.end(whole.subarray(300_000))
    expect((await answer).code).toBe('TASK_NOT_FOUND')
    await expectNothingOf(before)
  })

  test('to a task that is deleted meanwhile is refused, and leaves nothing', async () => {
    const before = filesOf(app)
    const { req, answer } = begin(ann.api, path)
    const whole = form(Buffer.alloc(500_000))
    await write(req, whole.subarray(0, 300_000))
    await vi.waitFor(() => expect(filesOf(app)).toHaveLength(before.length + 1))
    await ann.api.data('DELETE', `/tasks/${task.id}`)
    req.end(whole.subarray(300_000))
    expect((await answer).code).toBe('TASK_NOT_FOUND')
    await vi.waitFor(() => expect(filesOf(app)).toEqual(before))
  })
})

describe('the quota of a workspace', () => {
  test('is kept by 50 who upload at once, and what is refused leaves no file', async () => {
    const small = await startApp({ config: { workspaceQuotaBytes: 10_500 } })
    const bea = await register(small.origin, 'Bea')
    const { id: place } = await workspaceOf(bea)
    const project = await newProject(bea, place)
    const tasks = await race(5, () => newTask(bea.api, project.id))
    const answers = await race(50, index =>
      upload(bea.api, tasks[index % 5]?.id ?? '', Buffer.alloc(1_000, index)),
    )
    expect(tally(answers)).toEqual({ '201': 10, '409 QUOTA_EXCEEDED': 40 })
    const stored = await rows(small, 'select storage_key from attachments where deleted_at is null')
    expect(stored).toHaveLength(10)
    expect(filesOf(small).sort()).toEqual(stored.map(row => row.storage_key).sort())

    const [first] = answers.filter(({ status }) => status === 201)
    await bea.api.data('DELETE', `/attachments/${first?.body.data.id}`)
    expect((await upload(bea.api, tasks[0]?.id ?? '', Buffer.alloc(1_500))).status).toBe(201)
    expect(problemOf(await upload(bea.api, tasks[0]?.id ?? '', 'x'))).toBe('409 QUOTA_EXCEEDED')
    const other = await newProject(bea, (await workspaceOf(bea)).id)
    await attach(bea.api, (await newTask(bea.api, other.id)).id)
    await small.stop()
  })
})

describe('a retry with the same Idempotency-Key', () => {
  const withKey = (key: string, content: string, fileName = 'note.txt') =>
    upload(ann.api, task.id, content, { fileName, headers: { 'idempotency-key': key } })

  test('gets the first answer, and adds nothing', async () => {
    const before = filesOf(app)
    const key = randomUUID()
    const [first, second] = [await withKey(key, 'hello'), await withKey(key, 'hello')]
    expect([first.status, second.status]).toEqual([201, 201])
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(second.body).toEqual(first.body)
    expect(await list()).toHaveLength(1)
    await vi.waitFor(() => expect(filesOf(app)).toHaveLength(before.length + 1))
  })

  test('but another file or name is another request', async () => {
    const key = randomUUID()
    await withKey(key, 'hello')
    expect(problemOf(await withKey(key, 'jello'))).toBe('422 IDEMPOTENCY_KEY_REUSED')
    expect(problemOf(await withKey(key, 'hello', 'other.txt'))).toBe('422 IDEMPOTENCY_KEY_REUSED')
    expect(await list()).toHaveLength(1)
  })

  test('adds nothing when all are sent at once', async () => {
    const before = filesOf(app)
    const key = randomUUID()
    const answers = await race(10, () => withKey(key, 'hello'))
    expect(new Set(answers.map(({ body }) => body.data.id)).size).toBe(1)
    expect(await list()).toHaveLength(1)
    await vi.waitFor(() => expect(filesOf(app)).toHaveLength(before.length + 1))
  })
})
