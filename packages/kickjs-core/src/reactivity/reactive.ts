import { isTracking, Source } from './graph.js'
import { asRef, computed, isRef, type Ref } from './ref.js'
import { changed, together } from './subscription.js'

const proxies = new WeakMap<object, object>()
const originals = new WeakMap<object, object>()

/** Stands for the set of an object's keys. */
const KEYS = Symbol('keys')
const MUTATORS = new Set<PropertyKey>([
  'push',
  'pop',
  'shift',
  'unshift',
  'splice',
  'sort',
  'reverse',
  'fill',
  'copyWithin',
])

/**
 * A proxy of a plain object or array that can be watched through getters, at any depth: reads are
 * noted, writes are told. Always the same proxy for the same object; the objects read from it are
 * proxies too, so compare them with each other, not with the originals.
 *
 * @example const metrics = reactive({ requests: 0, errors: 0 })
 *          const rate = computed(() => metrics.errors / metrics.requests)
 *          metrics.requests++
 */
export function reactive<T extends object>(target: T): T {
  if (originals.has(target)) return target
  const existing = proxies.get(target)
  if (existing) return existing as T
  const proxy = new Proxy<T>(target, handlerFor())
  proxies.set(target, proxy)
  originals.set(proxy, target)
  return proxy
}

/** One ref for each property of a reactive object, bound both ways, so that it can be destructured. */
export function toRefs<T extends object>(target: T): { [K in keyof T]: Ref<T[K]> } {
  const state = reactive(target)
  const keys = Object.keys(state) as (keyof T)[]
  return Object.fromEntries(keys.map(key => [key, propertyRef(state, key)])) as { [K in keyof T]: Ref<T[K]> }
}

function propertyRef<T extends object, K extends keyof T>(state: T, key: K): Ref<T[K]> {
  const observed = computed(() => state[key])
  return asRef({
    get value() {
      return observed.value
    },
    set value(next: T[K]) {
      state[key] = next
    },
    subscribe: observed.subscribe,
  })
}

function handlerFor(): ProxyHandler<object> {
  const sources = new Map<PropertyKey, Source>()
  const track = (key: PropertyKey) => {
    if (!isTracking()) return
    const source = sources.get(key) ?? new Source()
    sources.set(key, source)
    source.track()
  }
  const touch = (...keys: PropertyKey[]) => changed(keys.flatMap(key => sources.get(key) ?? []))
  const touchAll = () => changed([...sources.values()])

  return {
    get(object, key, receiver) {
      track(key)
      const value: unknown = Reflect.get(object, key, receiver)
      if (typeof value === 'function' && Array.isArray(object) && MUTATORS.has(key)) {
        return (...args: unknown[]) => together(() => Reflect.apply(value, receiver, args))
      }
      return isPlain(value) ? reactive(value) : value
    },
    has(object, key) {
      track(key)
      return Reflect.has(object, key)
    },
    ownKeys(object) {
      track(KEYS)
      return Reflect.ownKeys(object)
    },
    set(object, key, value, receiver) {
      const next: unknown = originalOf(value)
      const existed = Object.hasOwn(object, key)
      const before: unknown = Reflect.get(object, key)
      const size = sizeOf(object)
      const done = Reflect.set(object, key, next, receiver)
      // The length of an array decides about all of its indices.
      if (sizeOf(object) !== size) touchAll()
      else if (!existed) touch(key, KEYS)
      else if (!Object.is(before, next)) touch(key)
      return done
    },
    deleteProperty(object, key) {
      const existed = Object.hasOwn(object, key)
      const done = Reflect.deleteProperty(object, key)
      if (!existed) return done
      touch(key, KEYS)
      // Who still holds the source has seen it change; keys that come and go must leave nothing behind.
      if (!sources.get(key)?.isObserved) sources.delete(key)
      return done
    },
  }
}

function originalOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? (originals.get(value) ?? value) : value
}

function sizeOf(object: object): number | undefined {
  return Array.isArray(object) ? object.length : undefined
}

/** What can be watched inside: no ref, nothing frozen, no Map, no instance of a class. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || isRef(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null
}
