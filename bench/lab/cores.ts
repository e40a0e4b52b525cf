import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'

/** How many cores the machine has. */
export const cores = cpus().length

/** Whether servers and load can be kept apart. */
export const canPin = cores > 1 && spawnSync('taskset', ['--version']).error === undefined

/** The command that runs Node on the core of the servers. */
export function onServerCore(args: readonly string[]): [command: string, args: string[]] {
  return canPin ? ['taskset', ['-c', '0', process.execPath, ...args]] : [process.execPath, [...args]]
}

/** Leaves that core to the servers: this process, and all that it starts from here on, use the others. */
export function leaveServerCore(): void {
  if (canPin) spawnSync('taskset', ['-a', '-c', '-p', `1-${cores - 1}`, String(process.pid)])
}
