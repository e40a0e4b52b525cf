import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { type ByteRange, type FileStore, isKey, type StoredFile } from './file-store.js'

/** What is being written has this at its end, until it is whole. */
const DRAFT = '.part'

/**
 * Files in a folder, readable by the server's user alone. They are spread over two levels of folders by
 * the first digits of their keys, so that none of those has too many.
 */
export class FolderStore implements FileStore {
  constructor(private readonly root: string) {}

  async put(key: string, content: Readable): Promise<number> {
    const path = this.pathOf(key)
    const draft = path + DRAFT
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    try {
      const bytes = await write(draft, content)
      await rename(draft, path)
      await this.keepNames(dirname(path))
      return bytes
    } catch (error) {
      await rm(draft, { force: true })
      throw error
    }
  }

  async get(key: string, range?: ByteRange): Promise<Readable | undefined> {
    const file = await unlessMissing(open(this.pathOf(key)))
    return file?.createReadStream(range)
  }

  async remove(key: string): Promise<void> {
    await rm(this.pathOf(key), { force: true })
  }

  async list(prefix: string): Promise<StoredFile[]> {
    const found: StoredFile[] = []
    for (const folder of await namesIn(join(this.root, prefix))) {
      for (const key of await namesIn(join(this.root, prefix, folder))) {
        const file = await unlessMissing(stat(join(this.root, prefix, folder, key)))
        if (file && isKey(key)) found.push({ key, modifiedAt: file.mtimeMs })
      }
    }
    return found
  }

  /** A new name is kept by its folder, and a new folder's by the one above. */
  private async keepNames(folder: string): Promise<void> {
    for (const changed of [folder, dirname(folder), this.root]) await sync(changed)
  }

  private pathOf(key: string): string {
    if (!isKey(key)) throw new Error(`${key} is no key of a file`)
    return join(this.root, key.slice(0, 2), key.slice(2, 4), key)
  }
}

/** Returns once all of it is on disk. */
async function write(path: string, content: Readable): Promise<number> {
  const file = await open(path, 'wx', 0o600)
  try {
    await writeFile(file, content)
    await file.sync()
    return (await file.stat()).size
  } finally {
    await file.close()
  }
}

async function sync(folder: string): Promise<void> {
  const opened = await open(folder)
  try {
    await opened.sync()
  } finally {
    await opened.close()
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return (await unlessMissing(readdir(folder))) ?? []
}

async function unlessMissing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
