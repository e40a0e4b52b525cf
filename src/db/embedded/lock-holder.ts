import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { v7 } from 'uuid'
import { z } from 'zod'

const holderSchema = z.object({
  pid: z.number().int(),
  started: z.string(),
  /** Where the pid means something: see `pidSpace`. */
  space: z.string(),
  host: z.string(),
  nonce: z.string(),
})
/** Who has a data folder, as its lock says. */
export type Holder = z.infer<typeof holderSchema>

export function describeSelf(): Holder {
  const { pid } = process
  return { pid, started: startOf(pid), space: pidSpace(), host: hostname(), nonce: v7() }
}

/** Whether the process lives, which can be told of one in our own `space` only. */
export function isRunning({ pid, started }: Holder): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
  return startOf(pid) === started
}

/** The running kernel and its pid namespace: in another one the same pid is another process. */
function pidSpace(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return hostname()
  }
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

/** Undefined where there is none, or nothing that any holder wrote. */
export function readHolder(file: string): Holder | undefined {
  try {
    return holderSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return undefined
  }
}
