import 'reflect-metadata'
import type { RequestHandler, RouteDefinition } from './routes.js'
import type { Class, Scope, Token } from './scope.js'

/** What decorators have written on a class; one plain record, inherited by subclasses. */
export interface ClassMetadata {
  scope?: Scope
  controllerPath?: string
  middleware: RequestHandler[]
  routes: RouteDefinition[]
  methodMiddleware: Map<string, RequestHandler[]>
  flags: Map<string, Map<symbol, unknown>>
  /** Those of this class alone: see `constructorDependencies`. */
  constructorTokens: Map<number, Token>
  injections: Map<string, () => Token>
  values: Map<string, { key: string; fallback: unknown }>
  postConstruct: string[]
}

const records = new WeakMap<object, ClassMetadata>()

/** The record of exactly this class, made on first use. For decorators. */
export function ownMetadata(target: object): ClassMetadata {
  let record = records.get(target)
  if (!record) {
    record = empty()
    records.set(target, record)
  }
  return record
}

/** The record of a class joined with those of its ancestors; the subclass wins. */
export function metadataOf(target: object): ClassMetadata {
  const parent = parentOf(target)
  const own = records.get(target)
  if (!parent) return own ?? empty()
  return own ? join(metadataOf(parent), own) : metadataOf(parent)
}

/**
 * What each constructor parameter asks for: the token of its `@Inject`, else the type that TypeScript
 * noted. A class without a constructor of its own is made by its parent's.
 */
export function constructorDependencies(target: Class): unknown[] {
  const tokens = records.get(target)?.constructorTokens ?? new Map<number, Token>()
  const types: unknown[] | undefined = Reflect.getOwnMetadata('design:paramtypes', target)
  const parent = parentOf(target)
  if (parent && !types && tokens.size === 0 && target.length === 0) return constructorDependencies(parent)
  const count = Math.max(target.length, types?.length ?? 0, ...Array.from(tokens.keys(), index => index + 1))
  return Array.from({ length: count }, (_, index) => tokens.get(index) ?? types?.[index])
}

/** The class that TypeScript noted for a property, where it emits metadata. */
export function designType(prototype: object, property: string): Class | undefined {
  return Reflect.getMetadata('design:type', prototype, property)
}

function parentOf(target: object): Class | undefined {
  const parent = Object.getPrototypeOf(target)
  return typeof parent === 'function' && parent !== Function.prototype ? parent : undefined
}

function empty(): ClassMetadata {
  return {
    middleware: [],
    routes: [],
    methodMiddleware: new Map(),
    flags: new Map(),
    constructorTokens: new Map(),
    injections: new Map(),
    values: new Map(),
    postConstruct: [],
  }
}

/**
 * Middleware adds up, so that overriding a route cannot drop the guard of its parent; a route that is
 * decorated again replaces its parent's.
 */
function join(parent: ClassMetadata, own: ClassMetadata): ClassMetadata {
  const overridden = new Set(own.routes.map(route => route.handler))
  return {
    ...parent,
    ...own,
    middleware: [...parent.middleware, ...own.middleware],
    routes: [...parent.routes.filter(route => !overridden.has(route.handler)), ...own.routes],
    methodMiddleware: joinMaps(parent.methodMiddleware, own.methodMiddleware, (theirs, ours) => [
      ...theirs,
      ...ours,
    ]),
    flags: joinMaps(parent.flags, own.flags, (theirs, ours) => new Map([...theirs, ...ours])),
    injections: new Map([...parent.injections, ...own.injections]),
    values: new Map([...parent.values, ...own.values]),
    postConstruct: [...new Set([...parent.postConstruct, ...own.postConstruct])],
  }
}

function joinMaps<V>(parent: Map<string, V>, own: Map<string, V>, both: (parent: V, own: V) => V) {
  const joined = new Map(parent)
  for (const [key, value] of own) {
    const inherited = parent.get(key)
    joined.set(key, inherited === undefined ? value : both(inherited, value))
  }
  return joined
}
