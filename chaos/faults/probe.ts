/** Preloaded into each node: lets the lab ask for its memory, and ends it with the lab. */
export interface MemoryAnswer {
  /** In bytes, after a forced collection. */
  heapUsed: number
  rss: number
}

process.on('message', () => {
  globalThis.gc?.()
  const { heapUsed, rss } = process.memoryUsage()
  process.send?.({ heapUsed, rss } satisfies MemoryAnswer)
})
process.on('disconnect', () => process.exit(1))
// The server decides alone when it is done.
process.channel?.unref()
