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
  const parent: unknown = Object.getPrototypeOf(target)
  const own = records.get(target)
  if (typeof parent !== 'function' || parent === Function.prototype) return own ?? empty()
  return own ? join(metadataOf(parent), own) : metadataOf(parent)
}

/** The class that TypeScript noted for a property or parameter, where it emits metadata. */
export function designType(prototype: object, property: string): Class | undefined {
  return Reflect.getMetadata('design:type', prototype, property)
}

export function designParameters(target: Class): readonly unknown[] {
  return Reflect.getMetadata('design:paramtypes', target) ?? []
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

function join(parent: ClassMetadata, own: ClassMetadata): ClassMetadata {
  const overridden = new Set(own.routes.map(route => route.handler))
  return {
    ...parent,
    ...own,
    middleware: [...parent.middleware, ...own.middleware],
    routes: [...parent.routes.filter(route => !overridden.has(route.handler)), ...own.routes],
    methodMiddleware: new Map([...parent.methodMiddleware, ...own.methodMiddleware]),
    flags: new Map([...parent.flags, ...own.flags]),
    constructorTokens: own.constructorTokens.size ? own.constructorTokens : parent.constructorTokens,
    injections: new Map([...parent.injections, ...own.injections]),
    values: new Map([...parent.values, ...own.values]),
    postConstruct: [...new Set([...parent.postConstruct, ...own.postConstruct])],
  }
}
