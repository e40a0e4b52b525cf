import { Computation, Source } from './graph.js'
import { changed, subscribe } from './subscription.js'

/** A value that can be read and subscribed to. */
export interface ReadonlyRef<T> {
  readonly value: T
  /**
   * Calls `fn(value, previous)` after each change, before the write returns; gives the way to stop.
   * What `fn` throws (or rejects with) is logged and stops neither the writer nor other subscribers.
   */
  subscribe(fn: (value: T, previous: T) => void): () => void
}

/** A `ReadonlyRef` that can be written. */
export interface Ref<T> extends ReadonlyRef<T> {
  value: T
}

const refs = new WeakSet<object>()

/**
 * A box whose `.value` can be watched. Setting an equal value (`Object.is`) tells nobody; a change
 * *inside* an object or array is not seen: assign a new one, or use `reactive`.
 *
 * @example const names = ref<string[]>([])
 *          names.value = [...names.value, 'Ada']
 */
export function ref<T>(initial: T): Ref<T> {
  const source = new Source()
  let current = initial
  return asRef({
    get value() {
      source.track()
      return current
    },
    set value(next: T) {
      if (Object.is(next, current)) return
      current = next
      changed([source])
    },
    subscribe: fn => subscribe(source, () => current, fn),
  })
}

/**
 * A value derived from others: computed when first read, then again only after one of them has changed.
 * What `compute` throws is thrown to the reader.
 *
 * @example const total = computed(() => price.value * (1 + tax.value))
 */
export function computed<T>(compute: () => T): ReadonlyRef<T> {
  const computation = new Computation(compute)
  return asRef({
    get value() {
      return computation.read()
    },
    subscribe: fn => subscribe(computation, () => computation.read(), fn),
  })
}

/**
 * Calls `fn(value, previous)` after each change of a ref, or of what a getter computes from refs and
 * reactive objects. Returns the way to stop. `immediate` calls it now too, with `previous` undefined.
 *
 * @example const stop = watch(() => state.open + state.blocked, total => console.log(total))
 */
export function watch<T>(
  source: ReadonlyRef<T> | (() => T),
  fn: (value: T, previous: T | undefined) => void,
  { immediate = false }: { immediate?: boolean } = {},
): () => void {
  const observed = typeof source === 'function' ? computed(source) : source
  const stop = observed.subscribe(fn)
  if (!immediate) return stop
  try {
    fn(observed.value, undefined)
  } catch (error) {
    stop()
    throw error
  }
  return stop
}

/** Whether a value is a ref: of `ref`, `computed` or `toRefs`. */
export function isRef(value: unknown): value is ReadonlyRef<unknown> {
  return typeof value === 'object' && value !== null && refs.has(value)
}

/** The value inside a ref, or the value itself. */
export function unref<T>(value: T | ReadonlyRef<T>): T {
  return isRef(value) ? (value as ReadonlyRef<T>).value : (value as T)
}

/** Makes an object one that `isRef` recognises. */
export function asRef<R extends ReadonlyRef<unknown>>(made: R): R {
  refs.add(made)
  return made
}
