import { randomBytes, randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ByteRange, type FileStore, keyPrefixes } from '../../src/files/file-store.js'
import { FolderStore } from '../../src/files/folder-store.js'
import { S3Store } from '../../src/files/s3-store.js'
import { startBucket } from './bucket.js'

let root: string
let bucket: Awaited<ReturnType<typeof startBucket>>
let folder: FolderStore
let s3: S3Store

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'vibed-files-'))
  folder = new FolderStore(root)
  bucket = await startBucket()
  s3 = new S3Store(bucket.config)
})
afterAll(async () => {
  rmSync(root, { recursive: true, force: true })
  await bucket.stop()
})

/** In pieces, as it comes from a socket. */
function* piecesOf(content: Buffer, size = 65_536) {
  for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size)
}
const streamOf = (content: Buffer) => Readable.from(piecesOf(content))
const pathOf = (key: string) => join(root, key.slice(0, 2), key.slice(2, 4), key)

describe.each([
  ['a folder', (): FileStore => folder],
  ['a bucket', (): FileStore => s3],
])('%s', (_what, open) => {
  const read = async (key: string, range?: ByteRange) => {
    const content = await open().get(key, range)
    return content && buffer(content)
  }

  test.each([0, 1, 65_536, 6_000_001])('gives back the %i bytes that it was given', async size => {
    const [key, content] = [randomUUID(), randomBytes(size)]
    expect(await open().put(key, streamOf(content))).toBe(size)
    expect((await read(key))?.equals(content)).toBe(true)
  })

  test('gives a part, from the first to the last byte asked for', async () => {
    const key = randomUUID()
    await open().put(key, streamOf(Buffer.from('0123456789')))
    expect(String(await read(key, { start: 2, end: 4 }))).toBe('234')
    expect(String(await read(key, { start: 9, end: 9 }))).toBe('9')
    expect(String(await read(key, { start: 0, end: 9 }))).toBe('0123456789')
  })

  test('knows nothing of what it was never given, or was told to remove', async () => {
    const key = randomUUID()
    expect(await read(key)).toBeUndefined()
    await open().put(key, streamOf(Buffer.from('x')))
    await open().remove(key)
    expect(await read(key)).toBeUndefined()
    await open().remove(key)
  })

  test.each([10, 6_000_000])('keeps nothing of a file that breaks off after %i bytes', async size => {
    const key = randomUUID()
    const broken = async function* () {
      yield* piecesOf(Buffer.alloc(size))
      throw new Error('broken off')
    }
    await expect(open().put(key, Readable.from(broken()))).rejects.toThrow()
    expect(await read(key)).toBeUndefined()
    expect(await open().list(key.slice(0, 2))).toEqual([])
  })

  test('keeps nothing of a file whose sender was gone before it began', async () => {
    const key = randomUUID()
    const gone = streamOf(Buffer.alloc(10))
    gone.destroy()
    await expect(open().put(key, gone)).rejects.toThrow()
    expect(await open().list(key.slice(0, 2))).toEqual([])
  })

  test('lists the keys that begin alike, and when they were stored', async () => {
    const keys = [1, 2, 3].map(() => `77${randomUUID().slice(2)}`)
    for (const key of keys) await open().put(key, streamOf(Buffer.from('x')))
    const found = await open().list('77')
    expect(found.map(({ key }) => key).sort()).toEqual(keys.sort())
    for (const { modifiedAt } of found) expect(Math.abs(Date.now() - modifiedAt)).toBeLessThan(60_000)
    expect((await open().list('78')).map(({ key }) => key)).not.toContain(keys[0])
  })
})

test('the parts in which files are listed are all of them', () => {
  expect(new Set(keyPrefixes).size).toBe(256)
  for (let index = 0; index < 50; index++) expect(keyPrefixes).toContain(randomUUID().slice(0, 2))
})

describe('the folder', () => {
  test('is for the user of the server alone, and spread over two levels', async () => {
    const key = randomUUID()
    await folder.put(key, streamOf(Buffer.from('secret')))
    expect(statSync(pathOf(key)).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(pathOf(key))).mode & 0o777).toBe(0o700)
    expect(readdirSync(dirname(pathOf(key)))).toEqual([key])
  })

  test('lists the draft that a killed server left, and removes it', async () => {
    const draft = `${randomUUID()}.part`
    mkdirSync(dirname(pathOf(draft)), { recursive: true })
    writeFileSync(pathOf(draft), 'half')
    utimesSync(pathOf(draft), 1_000, 1_000)
    expect(await folder.list(draft.slice(0, 2))).toEqual([{ key: draft, modifiedAt: 1_000_000 }])
    await folder.remove(draft)
    expect(await folder.list(draft.slice(0, 2))).toEqual([])
  })

  test('neither lists nor touches what is not its own', async () => {
    const before = await folder.list('ab')
    mkdirSync(join(root, 'ab', 'cd'), { recursive: true })
    writeFileSync(join(root, 'ab', 'cd', '.DS_Store'), 'x')
    expect(await folder.list('ab')).toEqual(before)
    await expect(folder.remove('../../etc/passwd')).rejects.toThrow('is no key')
    await expect(folder.get(`../${randomUUID().slice(3)}`)).rejects.toThrow('is no key')
  })
})

describe('the bucket', () => {
  test('is told to forget the parts of a large file that breaks off', async () => {
    const asked: string[] = []
    const note = ({ method = '', url = '' }: { method?: string; url?: string }) => {
      asked.push(`${method} ${url.replace(/.*\?/, '').replace(/=[^&]*/g, '')}`)
    }
    bucket.requests.on('request', note)
    const broken = async function* () {
      yield* piecesOf(Buffer.alloc(6_000_000))
      throw new Error('broken off')
    }
    await expect(s3.put(randomUUID(), Readable.from(broken()))).rejects.toThrow()
    bucket.requests.off('request', note)
    expect(asked.at(-1)).toMatch(/^DELETE .*uploadId/)
  })

  test('that is not there is an error, not an empty one', async () => {
    const other = new S3Store({ ...bucket.config, bucket: 'nowhere' })
    await expect(other.check()).rejects.toThrow()
    await expect(other.put(randomUUID(), streamOf(Buffer.from('x')))).rejects.toThrow()
    await expect(other.list('00')).rejects.toThrow()
    await expect(s3.check()).resolves.toBeUndefined()
  })
})
