import { setTimeout as delay } from 'node:timers/promises'

/** Waits for all of the work, or until the time (in milliseconds) is over. */
export function within(time: number, work: readonly (Promise<unknown> | undefined)[]): Promise<unknown> {
  return Promise.race([Promise.allSettled(work), delay(time, undefined, { ref: false })])
}
