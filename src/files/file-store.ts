import type { Readable } from 'node:stream'

/** The container's token for the place where files are kept. */
export const FILES = Symbol('FileStore')

/** The first and the last byte, both included. */
export interface ByteRange {
  start: number
  end: number
}

export interface StoredFile {
  key: string
  /** In milliseconds since 1970. */
  modifiedAt: number
}

/** Keeps files under keys, which are UUIDs. */
export interface FileStore {
  /**
   * Stores what a stream gives, durably; nothing where it fails.
   * @returns how many bytes it was
   */
  put(key: string, content: Readable): Promise<number>
  /** A file or a part of it, undefined where there is none. Whoever got it reads it or destroys it. */
  get(key: string, range?: ByteRange): Promise<Readable | undefined>
  /** What is gone already is no error. */
  remove(key: string): Promise<void>
  /** What is stored under keys that begin with these two digits, drafts that were left behind included. */
  list(prefix: string): Promise<StoredFile[]>
}

/** Whether something was stored by us, or is a draft of that: so nothing else is ever listed or removed. */
export function isKey(name: string): boolean {
  return /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}(\.part)?$/.test(name)
}

/** The beginnings of all keys: so that files can be looked through a part at a time. */
export const keyPrefixes: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
)
