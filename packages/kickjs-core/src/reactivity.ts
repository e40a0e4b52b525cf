type Listener = () => void
type Subscriber<T> = (value: T, previous: T) => void

/** A value that can be read and listened to. */
export interface ReadonlyRef<T> {
  readonly value: T
  /** Calls `fn(value, previous)` after each change; returns the way to stop. */
  subscribe(fn: Subscriber<T>): () => void
}

export interface Ref<T> extends ReadonlyRef<T> {
  value: T
}

/** What is being computed right now collects the sources that it reads. */
let collector: Set<Source> | undefined

const marker = Symbol('ref')

class Source {
  private readonly listeners = new Set<Listener>()

  track() {
    collector?.add(this)
  }
  notify() {
    for (const listener of [...this.listeners]) listener()
  }
  listen(listener: Listener) {
    this.listeners.add(listener)
    return () => {
      this.listeners.delete(listener)
    }
  }
}

/** A box whose `.value` can be watched. Setting an equal value (`Object.is`) tells nobody. */
export function ref<T>(initial: T): Ref<T> {
  const source = new Source()
  let current = initial
  return mark({
    get value() {
      source.track()
      return current
    },
    set value(next: T) {
      if (Object.is(next, current)) return
      current = next
      source.notify()
    },
    subscribe: (fn: Subscriber<T>) => changes(source, () => current, fn),
  })
}

/** A value derived from others: computed when first read, cached until one of them changes. */
export function computed<T>(compute: () => T): ReadonlyRef<T> {
  const source = new Source()
  let cached: { value: T } | undefined
  let stops: (() => void)[] = []

  const invalidate = () => {
    if (!cached) return
    for (const stop of stops) stop()
    cached = undefined
    source.notify()
  }
  const read = () => {
    if (!cached) {
      const { value, sources } = collect(compute)
      cached = { value }
      stops = [...sources].map(found => found.listen(invalidate))
    }
    return cached.value
  }
  return mark({
    get value() {
      source.track()
      return read()
    },
    subscribe: (fn: Subscriber<T>) => changes(source, read, fn),
  })
}

/**
 * Calls `fn(value, previous)` whenever the source (a ref, or a getter that reads refs) changes.
 * Returns the way to stop. `immediate` also calls it now, with `previous` undefined.
 */
export function watch<T>(
  source: ReadonlyRef<T> | (() => T),
  fn: (value: T, previous: T | undefined) => void,
  { immediate = false }: { immediate?: boolean } = {},
): () => void {
  const observed = typeof source === 'function' ? computed(source) : source
  const stop = observed.subscribe(fn)
  if (immediate) fn(observed.value, undefined)
  return stop
}

/** An object whose properties can be watched through getters; nested plain objects and arrays included. */
export function reactive<T extends object>(target: T): T {
  const sources = new Map<PropertyKey, Source>()
  const nested = new WeakMap<object, object>()
  const sourceOf = (key: PropertyKey) => {
    const source = sources.get(key) ?? new Source()
    sources.set(key, source)
    return source
  }
  return new Proxy(target, {
    get(object, key, receiver) {
      const value: unknown = Reflect.get(object, key, receiver)
      if (typeof key === 'symbol') return value
      sourceOf(key).track()
      if (!isPlain(value)) return value
      const wrapped = nested.get(value) ?? reactive(value)
      nested.set(value, wrapped)
      return wrapped
    },
    set(object, key, value, receiver) {
      const known = Object.hasOwn(object, key)
      const before: unknown = Reflect.get(object, key, receiver)
      const done = Reflect.set(object, key, value, receiver)
      if (!known || !Object.is(before, value)) sources.get(key)?.notify()
      return done
    },
    deleteProperty(object, key) {
      const done = Reflect.deleteProperty(object, key)
      sources.get(key)?.notify()
      return done
    },
  })
}

export function isRef(value: unknown): value is ReadonlyRef<unknown> {
  return typeof value === 'object' && value !== null && marker in value
}

/** The value inside a ref, or the value itself. */
export function unref<T>(value: T | ReadonlyRef<T>): T {
  return isRef(value) ? (value as ReadonlyRef<T>).value : (value as T)
}

/** One ref for each property of a reactive object, bound both ways, so that it can be destructured. */
export function toRefs<T extends object>(target: T): { [K in keyof T]: Ref<T[K]> } {
  const refs: Partial<{ [K in keyof T]: Ref<T[K]> }> = {}
  for (const key of Object.keys(target) as (keyof T)[]) {
    const observed = computed(() => target[key])
    refs[key] = mark({
      get value() {
        return observed.value
      },
      set value(next: T[typeof key]) {
        target[key] = next
      },
      subscribe: observed.subscribe,
    })
  }
  return refs as { [K in keyof T]: Ref<T[K]> }
}

function collect<T>(compute: () => T) {
  const outer = collector
  const sources = new Set<Source>()
  collector = sources
  try {
    return { value: compute(), sources }
  } finally {
    collector = outer
  }
}

function changes<T>(source: Source, read: () => T, fn: Subscriber<T>) {
  let previous = read()
  return source.listen(() => {
    const value = read()
    if (Object.is(value, previous)) return
    const before = previous
    previous = value
    fn(value, before)
  })
}

function mark<R extends object>(box: R): R {
  return Object.defineProperty(box, marker, { value: true })
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === Array.prototype
}
