import {
  closeSync,
  fstatSync,
  futimesSync,
  linkSync,
  mkdirSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Logger } from '@forinda/kickjs-core'
import { StartupError } from '../../errors.js'
import { describeSelf, type Holder, isRunning, readHolder } from './lock-holder.js'

/** How often a holder touches its lock, for those who cannot look at its process. */
const BEAT_MS = 2_000
/** A holder that has not touched its lock for so long is gone. */
const STALE_MS = 10_000
const RETRY_MS = 100

const logger = Logger.for('Database')

/**
 * Takes a data folder for this process alone: two processes on one embedded database destroy it. A lock
 * whose holder is gone is taken over: at once where its process can be looked at, otherwise (it was in
 * another container or on another machine) once it has not been touched for ten seconds.
 * @param onLost told when the lock was removed or taken by others, after which nothing may be written
 * @returns the way to give it back
 * @throws StartupError with the holder's pid while another process has it, or when the folder cannot be written
 */
export async function lockFolder(folder: string, onLost: (error: Error) => void): Promise<() => void> {
  const file = join(folder, 'lock')
  const self = describeSelf()
  const draft = `${file}.${self.nonce}`
  try {
    mkdirSync(folder, { recursive: true })
    const descriptor = openSync(draft, 'wx')
    try {
      writeFileSync(descriptor, JSON.stringify(self), { flush: true })
      await take(folder, file, draft, self)
    } catch (error) {
      closeSync(descriptor)
      throw error
    } finally {
      rmSync(draft)
    }
    return hold(file, descriptor, self, onLost)
  } catch (error) {
    if (error instanceof StartupError || !(error instanceof Error)) throw error
    throw new StartupError(
      `The data folder ${folder} cannot be written (${error.message}): let this user write there, or set VIBED_DATA_DIR to another folder`,
      { cause: error },
    )
  }
}

/** A link appears whole or not at all: nobody ever reads a lock that is half written. */
async function take(folder: string, file: string, draft: string, self: Holder): Promise<void> {
  while (!link(draft, file)) {
    const holder = readHolder(file)
    if (holder && (await isAlive(file, holder, self))) throw inUse(folder, holder, self)
    if (!removeStale(file, draft, holder)) await delay(RETRY_MS)
  }
}

/** One at a time, so that nobody removes the lock of one who was faster to take over. */
function removeStale(file: string, draft: string, stale: Holder | undefined): boolean {
  const turn = `${file}.takeover`
  if (!link(draft, turn)) {
    // It is taken for an instant only, unless by one who was killed in it.
    if (Date.now() - (touchedAt(turn) ?? 0) > STALE_MS) rmSync(turn, { force: true })
    return false
  }
  try {
    if (readHolder(file)?.nonce === stale?.nonce) rmSync(file, { force: true })
    return true
  } finally {
    rmSync(turn, { force: true })
  }
}

/** Through the descriptor, so that it never touches the lock of one who took over. */
function hold(file: string, descriptor: number, self: Holder, onLost: (error: Error) => void): () => void {
  const beat = setInterval(() => {
    try {
      futimesSync(descriptor, new Date(), new Date())
      if (fstatSync(descriptor).nlink === 0) throw new Error(`${file} was removed or replaced`)
    } catch (error) {
      clearInterval(beat)
      onLost(error instanceof Error ? error : new Error(String(error)))
    }
  }, BEAT_MS).unref()
  return () => {
    clearInterval(beat)
    closeSync(descriptor)
    if (readHolder(file)?.nonce === self.nonce) rmSync(file, { force: true })
  }
}

function inUse(folder: string, { pid, space, host }: Holder, self: Holder): StartupError {
  const where = space === self.space ? '' : ` of another container or machine (${host})`
  return new StartupError(
    `The data folder ${folder} is in use by process ${pid}${where}: stop that process, or set VIBED_DATA_DIR to another folder`,
  )
}

async function isAlive(file: string, holder: Holder, self: Holder): Promise<boolean> {
  if (holder.space === self.space) return isRunning(holder)
  logger.warn({ lock: file, host: holder.host }, 'waiting whether the holder of the data folder still lives')
  return beats(file)
}

/** Looks for a change, not at the age: two machines' clocks may differ. */
async function beats(file: string): Promise<boolean> {
  const touched = touchedAt(file)
  for (let waited = 0; waited < STALE_MS; waited += RETRY_MS) {
    await delay(RETRY_MS)
    const now = touchedAt(file)
    if (now === undefined) return false
    if (now !== touched) return true
  }
  return false
}

function touchedAt(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs
}

/** False where the name is taken. */
function link(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}
