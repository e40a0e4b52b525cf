import { randomBytes } from 'node:crypto'
import { readdirSync, truncateSync, unlinkSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { CONFIG, type Config } from '../../src/config.js'
import { FILES, type FileStore } from '../../src/files/file-store.js'
import type { Attachment } from '../../src/modules/attachments/attachments.contract.js'
import { register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { newProject, newTask, rows } from '../work/support.js'
import { attach } from './uploading.js'

const digits = '0123456789'

let app: TestApp
let store: FileStore
let ann: TestUser
let taskId: string
let file: Attachment

beforeAll(async () => {
  app = await startApp()
  store = app.container.resolve<FileStore>(FILES)
  ann = await register(app.origin, 'Ann')
  const project = await newProject(ann, (await workspaceOf(ann)).id)
  taskId = (await newTask(ann.api, project.id)).id
  file = await attach(ann.api, taskId, digits, 'digits.txt')
})
afterEach(() => {
  vi.restoreAllMocks()
})
afterAll(() => app.stop())

const get = (id: string, headers = {}, method = 'GET') =>
  ann.api.call(method, `/attachments/${id}/download`, undefined, { headers })

/** Asks for a file or for what changed of it, which `fetch` cannot without asking caches to stand aside. */
function begin({ id }: Attachment, headers: Record<string, string> = {}) {
  const { hostname, port } = new URL(app.origin)
  const req = request({
    hostname,
    port,
    path: `/api/v1/attachments/${id}/download`,
    headers: { authorization: `Bearer ${ann.accessToken}`, ...headers },
  })
  req.on('error', () => {})
  const answered = new Promise<IncomingMessage>(resolve => {
    req.on('response', res => resolve(res.on('error', () => {})))
  })
  req.end()
  return { req, answered }
}

async function statusOf(headers: Record<string, string>) {
  const res = await begin(file, headers).answered
  res.resume()
  return res.statusCode
}

describe('a download', () => {
  test('is the file, to be saved under its name, and never to be run', async () => {
    const { status, headers, body } = await get(file.id)
    expect([status, body]).toEqual([200, digits])
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'content-length': '10',
      'content-disposition': 'attachment; filename=digits.txt',
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, no-cache',
      'accept-ranges': 'bytes',
      etag: `"${file.id}"`,
      'last-modified': new Date(file.createdAt).toUTCString(),
    })
  })

  test.each([
    ['übersicht.pdf', `attachment; filename="?bersicht.pdf"; filename*=UTF-8''%C3%BCbersicht.pdf`],
    ['報告.txt', `attachment; filename="??.txt"; filename*=UTF-8''%E5%A0%B1%E5%91%8A.txt`],
    ['a%22b.txt', `attachment; filename=a%22b.txt; filename*=UTF-8''a%2522b.txt`],
    [`it's (1).txt`, `attachment; filename="it's (1).txt"`],
  ])('of %s keeps the name', async (name, disposition) => {
    const { id } = await attach(ann.api, taskId, 'x', name)
    expect((await get(id)).headers.get('content-disposition')).toBe(disposition)
  })

  test.each([
    ['a page', 'page.html', '<script>alert(1)</script>', 'text/plain; charset=utf-8'],
    ['a drawing', 'x.svg', '<?xml version="1.0"?><svg onload="alert(1)"/>', 'application/xml'],
    ['a program', 'notes.txt', Buffer.from('4d5a9000', 'hex'), 'application/x-msdownload'],
  ])('of %s is harmless, whatever it is called', async (_what, name, content, type) => {
    const { headers } = await get((await attach(ann.api, taskId, content, name)).id)
    expect(headers.get('content-type')).toBe(type)
    expect(headers.get('content-disposition')).toMatch(/^attachment/)
    expect(headers.get('content-security-policy')).toMatch(/^sandbox/)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
  })

  test('can be looked at before it is made', async () => {
    const { status, headers, body } = await get(file.id, { range: 'bytes=0-1' }, 'HEAD')
    expect([status, headers.get('content-length'), body]).toEqual([200, '10', ''])
  })

  test('is not made again of what is known', async () => {
    const etag = `"${file.id}"`
    const since = new Date(file.createdAt).toUTCString()
    expect(await statusOf({ 'if-none-match': etag })).toBe(304)
    expect(await statusOf({ 'if-none-match': `"other", W/${etag}` })).toBe(304)
    expect(await statusOf({ 'if-modified-since': since })).toBe(304)
    expect(await statusOf({ 'if-none-match': '"other"' })).toBe(200)
    expect(await statusOf({ 'if-none-match': etag, range: 'bytes=0-1' })).toBe(304)
  })
})

describe('a part of a file', () => {
  test.each([
    ['bytes=0-4', '01234', 'bytes 0-4/10'],
    ['bytes=9-9', '9', 'bytes 9-9/10'],
    ['bytes=5-', '56789', 'bytes 5-9/10'],
    ['bytes=5-999', '56789', 'bytes 5-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=-999', digits, 'bytes 0-9/10'],
    ['bytes=0-', digits, 'bytes 0-9/10'],
    ['Bytes=2-3', '23', 'bytes 2-3/10'],
  ])('%s is given', async (range, part, contentRange) => {
    const { status, headers, body } = await get(file.id, { range })
    expect([status, body, headers.get('content-range')]).toEqual([206, part, contentRange])
    expect(headers.get('content-length')).toBe(String(part.length))
  })

  test.each(['bytes=10-', 'bytes=10-20', 'bytes=-0', 'bytes=99999999999999999999-'])(
    '%s is not there',
    async range => {
      const { status, headers, body } = await get(file.id, { range })
      expect([status, body.code]).toEqual([416, 'RANGE_NOT_SATISFIABLE'])
      expect(headers.get('content-range')).toBe('bytes */10')
      expect(headers.get('content-disposition')).toBeNull()
    },
  )

  test.each(['bytes=', 'bytes=-', 'bytes=a-b', 'bytes=5-2', 'bytes=0-1,3-4', 'lines=0-1', 'bytes 0-1', 'x'])(
    '%s is the whole',
    async range => {
      const { status, headers, body } = await get(file.id, { range })
      expect([status, body, headers.get('content-range')]).toEqual([200, digits, null])
    },
  )

  test('is given where If-Range still holds, and else the whole', async () => {
    const range = 'bytes=0-1'
    const at = new Date(file.createdAt).toUTCString()
    const statusIf = async (condition: string) =>
      (await get(file.id, { range, 'if-range': condition })).status
    expect(await statusIf(`"${file.id}"`)).toBe(206)
    expect(await statusIf(at)).toBe(206)
    expect(await statusIf('"other"')).toBe(200)
    expect(await statusIf(`W/"${file.id}"`)).toBe(200)
    expect(await statusIf(new Date(0).toUTCString())).toBe(200)
  })

  test('of an empty file is not there', async () => {
    const { id } = await attach(ann.api, taskId, '')
    expect((await get(id, { range: 'bytes=0-' })).status).toBe(416)
    expect((await get(id)).body).toBe('')
  })
})

describe('a large file', () => {
  let large: Attachment
  let content: Buffer

  beforeAll(async () => {
    content = randomBytes(20_000_000)
    large = await attach(ann.api, taskId, content)
  })

  test('arrives as it is', async () => {
    const response = await fetch(`${app.origin}/api/v1/attachments/${large.id}/download`, {
      headers: { authorization: `Bearer ${ann.accessToken}` },
    })
    expect(Buffer.from(await response.arrayBuffer()).equals(content)).toBe(true)
  })

  test('is not read faster than it is taken, and let go of when its reader leaves', async () => {
    const opened: Readable[] = []
    let read = 0
    const from = store.get.bind(store)
    vi.spyOn(store, 'get').mockImplementationOnce(async (key, range) => {
      const stream = await from(key, range)
      if (!stream) return undefined
      opened.push(stream)
      const counted = Readable.from(
        (async function* () {
          for await (const chunk of stream) {
            read += chunk.length
            yield chunk
          }
        })(),
        { objectMode: false },
      )
      return counted
    })
    const { req, answered } = begin(large)
    await answered
    await vi.waitFor(() => expect(read).toBeGreaterThan(0))
    for (let before = -1; before !== read; await new Promise(resolve => setTimeout(resolve, 100))) {
      before = read
    }
    expect(read).toBeLessThan(content.length)
    expect(opened[0]?.destroyed).toBe(false)
    req.destroy()
    await vi.waitFor(() => expect(opened[0]?.destroyed).toBe(true))
  })

  test('whose reader leaves before it is opened is let go of, too', async () => {
    const from = store.get.bind(store)
    let open: () => void = () => {}
    const left = new Promise<void>(resolve => {
      open = resolve
    })
    const opened: Readable[] = []
    const get = vi.spyOn(store, 'get').mockImplementationOnce(async (key, range) => {
      await left
      const stream = await from(key, range)
      if (stream) opened.push(stream)
      return stream
    })
    const { req } = begin(large)
    await vi.waitFor(() => expect(get).toHaveBeenCalled())
    req.destroy()
    await new Promise(resolve => setTimeout(resolve, 50))
    open()
    await vi.waitFor(() => expect(opened[0]?.destroyed).toBe(true))
    expect((await ann.api.get('/users/me')).status).toBe(200)
  })
})

describe('a file that is not as it was', () => {
  const folder = () => join(app.container.resolve<Config>(CONFIG).dataDir, 'attachments')
  async function pathOf({ id }: Attachment) {
    const [{ storage_key: key }] = await rows(app, 'select storage_key from attachments where id = $1', [id])
    const name = readdirSync(folder(), { recursive: true, encoding: 'utf8' }).find(path => path.endsWith(key))
    return join(folder(), name ?? '')
  }

  test('because it is lost is told so', async () => {
    const lost = await attach(ann.api, taskId, 'lost')
    unlinkSync(await pathOf(lost))
    const { status, headers, body } = await get(lost.id)
    expect([status, body.code]).toEqual([410, 'FILE_MISSING'])
    expect(headers.get('etag')).toBeNull()
    await ann.api.data('DELETE', `/attachments/${lost.id}`)
  })

  test('because it is too short breaks off, so that nobody waits for the rest', async () => {
    const short = await attach(ann.api, taskId, Buffer.alloc(100_000))
    truncateSync(await pathOf(short), 90_000)
    await expect(get(short.id)).rejects.toThrow()
  })

  test('because the store is away may be asked for again', async () => {
    vi.spyOn(store, 'get').mockRejectedValueOnce(new Error('connect ECONNREFUSED'))
    const { status, body } = await get(file.id)
    expect([status, body.code]).toEqual([503, 'FILES_UNAVAILABLE'])
    expect((await get(file.id)).status).toBe(200)
  })
})
