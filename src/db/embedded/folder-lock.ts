import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { v7 } from 'uuid'
import { z } from 'zod'
import { StartupError } from '../../errors.js'

const holderSchema = z.object({ pid: z.number().int(), started: z.string(), nonce: z.string() })
type Holder = z.infer<typeof holderSchema>

/** Long enough for a racing process to have finished what it began before it saw our claim. */
const SETTLE_MS = 100

/**
 * Takes a data folder for this process alone: two processes on one embedded database destroy it.
 * A lock whose process is gone is taken over.
 * @returns the way to give it back
 * @throws StartupError with the holder's pid while another process has it, or when the folder cannot be written
 */
export async function lockFolder(folder: string): Promise<() => void> {
  try {
    return await takeLock(folder)
  } catch (error) {
    if (error instanceof StartupError || !(error instanceof Error)) throw error
    throw new StartupError(
      `The data folder ${folder} cannot be written (${error.message}): let this user write there, or set VIBED_DATA_DIR to another folder`,
      { cause: error },
    )
  }
}

async function takeLock(folder: string): Promise<() => void> {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'lock')
  const self: Holder = { pid: process.pid, started: startOf(process.pid), nonce: v7() }
  if (!createExclusively(file, self)) {
    refuseIfHeld(folder, read(file))
    const claim = `${file}.${self.nonce}`
    writeFileSync(claim, JSON.stringify(self))
    renameSync(claim, file)
    await delay(SETTLE_MS)
    const holder = read(file)
    if (holder?.nonce !== self.nonce) refuseIfHeld(folder, holder)
  }
  return () => {
    if (read(file)?.nonce === self.nonce) rmSync(file, { force: true })
  }
}

function createExclusively(file: string, holder: Holder): boolean {
  try {
    writeFileSync(file, JSON.stringify(holder), { flag: 'wx' })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

function refuseIfHeld(folder: string, holder: Holder | undefined) {
  if (holder && isAlive(holder)) {
    throw new StartupError(
      `The data folder ${folder} is in use by process ${holder.pid}: stop that process, or set VIBED_DATA_DIR to another folder`,
    )
  }
}

/** An unreadable lock was cut short by a kill while it was written: nobody holds it. */
function read(file: string): Holder | undefined {
  try {
    return holderSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return undefined
  }
}

function isAlive({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
  return startOf(pid) === started
}

/** When a process began, in the kernel's ticks, to tell it from a later one with the same pid; empty where unknown. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
