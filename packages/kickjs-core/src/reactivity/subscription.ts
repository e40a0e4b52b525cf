import { Logger } from '../logger.js'
import { mark, type Observer, type Source, untracked } from './graph.js'

const logger = Logger.for('reactivity')
const MAX_ROUNDS = 100

/** More than 0 while subscriptions have to wait. */
let holding = 0
let pending = new Set<{ run(): void }>()

/** Calls `fn(value, previous)` after each change; returns the way to stop. */
export function subscribe<T>(source: Source, read: () => T, fn: (value: T, previous: T) => void): () => void {
  const subscription = new Subscription(source, read, fn)
  return () => subscription.stop()
}

/** Tells that sources were written, all at once. The subscriptions have run when it returns. */
export function changed(sources: readonly Source[]): void {
  mark(sources)
  run()
}

/** Makes the writes within `work` one: subscriptions wait for its end. */
export function together<T>(work: () => T): T {
  holding++
  try {
    return untracked(work)
  } finally {
    holding--
    run()
  }
}

class Subscription<T> implements Observer {
  private previous: T
  private stopped = false

  constructor(
    private readonly source: Source,
    private readonly read: () => T,
    private readonly fn: (value: T, previous: T) => unknown,
  ) {
    this.previous = untracked(read)
    source.observe(this)
  }

  alert(): void {
    pending.add(this)
  }

  stop(): void {
    this.stopped = true
    this.source.unobserve(this)
  }

  /** A subscriber that fails concerns neither the writer nor its fellows: the error is logged. */
  run(): void {
    try {
      const outcome = untracked(() => this.call())
      if (outcome instanceof Promise) outcome.catch(report)
    } catch (error) {
      report(error)
    }
  }

  private call(): unknown {
    if (this.stopped) return
    const { previous } = this
    const value = this.read()
    if (Object.is(value, previous)) return
    this.previous = value
    return this.fn(value, previous)
  }
}

/** Runs what is pending, in rounds: what subscribers write is seen in the next one. */
function run(): void {
  if (holding > 0) return
  holding++
  try {
    for (let round = 0; pending.size > 0 && round < MAX_ROUNDS; round++) {
      const due = pending
      pending = new Set()
      for (const subscription of due) subscription.run()
    }
    if (pending.size > 0) report(new Error('Subscribers keep changing what they subscribe to'))
  } finally {
    pending.clear()
    holding--
  }
}

function report(error: unknown): void {
  logger.error({ err: error }, 'A subscriber failed')
}
