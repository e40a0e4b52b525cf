import { setTimeout as delay } from 'node:timers/promises'

/** Preloaded into each server: tells its memory, in bytes, after collecting what nobody needs. */
export interface MemoryAnswer {
  /** What JavaScript holds, buffers included. */
  held: number
  /** What the system has given to the process. */
  resident: number
}

/** Finalizers run after a collection, and what they let go is found by the next one. */
const COLLECTIONS = 3

process.on('message', async () => {
  for (let n = 0; n < COLLECTIONS; n++) {
    globalThis.gc?.()
    await delay(50)
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  process.send?.({ held: heapUsed + external, resident: rss } satisfies MemoryAnswer)
})
process.on('disconnect', () => process.exit(1))
// The server decides alone when it is done.
process.channel?.unref()
