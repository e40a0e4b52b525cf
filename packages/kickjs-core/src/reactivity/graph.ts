/**
 * The graph below `ref`, `computed` and `reactive`. A write only marks what depends on it. Values are
 * computed when somebody reads them, from sources that are all up to date, so nobody sees half a
 * change; and only what is subscribed to is linked to its sources, so nothing is left behind.
 */

/** Counts all writes: while it stands still, nothing computed is out of date. */
let writes = 0
/** What is being computed right now notes the sources that it reads, each with its version. */
let reading: Map<Source, number> | undefined

export interface Observer {
  /** Something that it depends on may have changed. */
  alert(): void
}

/** Something that can be read and changes. */
export class Source {
  version = 0
  private readonly observers = new Set<Observer>()

  /** Notes the read for what is being computed. */
  track(): void {
    if (reading && !reading.has(this)) reading.set(this, this.version)
  }

  /** Brings `version` up to date. */
  refresh(): void {}

  get isObserved(): boolean {
    return this.observers.size > 0
  }

  observe(observer: Observer): void {
    this.observers.add(observer)
  }

  unobserve(observer: Observer): void {
    this.observers.delete(observer)
  }

  alert(): void {
    for (const observer of this.observers) observer.alert()
  }
}

type Result<T> = { value: T } | { error: unknown }

/** A source whose value is computed from others, when it is read and one of them has changed. */
export class Computation<T> extends Source implements Observer {
  private sources = new Map<Source, number>()
  private result: Result<T> | undefined
  private checkedAt = -1
  private alertedAt = -1
  private running = false

  constructor(private readonly compute: () => T) {
    super()
  }

  /** The value; what `compute` threw is thrown again until a source changes. */
  read(): T {
    const result = this.current()
    this.track()
    if ('error' in result) throw result.error
    return result.value
  }

  override refresh(): void {
    this.current()
  }

  override observe(observer: Observer): void {
    if (!this.isObserved) for (const source of this.sources.keys()) source.observe(this)
    super.observe(observer)
  }

  override unobserve(observer: Observer): void {
    super.unobserve(observer)
    if (!this.isObserved) for (const source of this.sources.keys()) source.unobserve(this)
  }

  override alert(): void {
    if (this.alertedAt === writes) return
    this.alertedAt = writes
    super.alert()
  }

  private current(): Result<T> {
    if (this.running) throw new Error('A computed value depends on itself')
    if (this.result && (this.checkedAt === writes || !this.isStale())) {
      this.checkedAt = writes
      return this.result
    }
    return this.recompute()
  }

  private isStale(): boolean {
    for (const [source, seen] of this.sources) {
      source.refresh()
      if (source.version !== seen) return true
    }
    return false
  }

  private recompute(): Result<T> {
    this.running = true
    this.checkedAt = writes
    const sources = new Map<Source, number>()
    const result = readingInto(sources, () => attempt(this.compute))
    this.running = false
    this.link(sources)
    if (!this.result || !isSame(this.result, result)) this.version++
    this.result = result
    return result
  }

  private link(sources: Map<Source, number>): void {
    const before = this.sources
    this.sources = sources
    if (!this.isObserved) return
    for (const source of sources.keys()) if (!before.has(source)) source.observe(this)
    for (const source of before.keys()) if (!sources.has(source)) source.unobserve(this)
  }
}

/** Marks sources as written, all at once, and whatever depends on them. */
export function mark(sources: readonly Source[]): void {
  writes++
  for (const source of sources) source.version++
  for (const source of sources) source.alert()
}

/** Whether something is being computed, so that reads matter. */
export function isTracking(): boolean {
  return reading !== undefined
}

/** Does `work` without noting what it reads. */
export function untracked<T>(work: () => T): T {
  return readingInto(undefined, work)
}

function attempt<T>(compute: () => T): Result<T> {
  try {
    return { value: compute() }
  } catch (error) {
    return { error }
  }
}

function isSame<T>(one: Result<T>, other: Result<T>): boolean {
  return 'value' in one && 'value' in other && Object.is(one.value, other.value)
}

function readingInto<T>(sources: Map<Source, number> | undefined, work: () => T): T {
  const outer = reading
  reading = sources
  try {
    return work()
  } finally {
    reading = outer
  }
}
