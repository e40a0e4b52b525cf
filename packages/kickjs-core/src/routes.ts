import { metadataOf, ownMetadata } from './metadata.js'
import type { Class } from './scope.js'

/** A schema in the shape of zod's: `safeParse` of the unknown, with issues or data. */
export interface Schema<Output = unknown> {
  safeParse(
    input: unknown,
  ):
    | { success: true; data: Output }
    | { success: false; error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] } }
}

/** What a route takes and gives. `name` is its operation id in an API description. */
export interface RouteSchemas {
  params?: Schema
  query?: Schema
  body?: Schema
  /** The media type of a body that is not JSON: it is left unread, for the handler or an interceptor. */
  consumes?: string
  response?: Schema
  name?: string
}

export type HttpMethod = 'get' | 'post' | 'put' | 'patch' | 'delete'

export interface RouteDefinition {
  method: HttpMethod
  path: string
  /** The name of the controller's method. */
  handler: string
  schemas: RouteSchemas
}

/**
 * Middleware as the articles write it: `(ctx, next)`. The context is the transport's own
 * (`RequestContext` in kickjs-http), so this package leaves its type open.
 */
// biome-ignore lint/suspicious/noExplicitAny: each transport brings its own context type
export type RequestHandler = (ctx: any, next: (error?: unknown) => void) => unknown

function routeDecorator(method: HttpMethod) {
  return (path = '/', schemas: RouteSchemas = {}) =>
    (prototype: object, handler: string): void => {
      const { routes } = ownMetadata(prototype.constructor)
      // Decorators of one method run from the bottom up, so a further one goes before its siblings.
      const sibling = routes.findIndex(route => route.handler === handler)
      routes.splice(sibling < 0 ? routes.length : sibling, 0, { method, path, handler, schemas })
    }
}

/** `@Get(path, { params?, query?, body?, response?, name? })`: a route on a controller's method. */
export const Get = routeDecorator('get')
export const Post = routeDecorator('post')
export const Put = routeDecorator('put')
export const Patch = routeDecorator('patch')
export const Delete = routeDecorator('delete')

/**
 * Runs `(ctx, next)` handlers before a route (on a method) or before all of them (on a class).
 *
 * @example @Middleware(workspaceMembershipGuard)
 */
export function Middleware(...handlers: RequestHandler[]) {
  return (target: object, method?: string): void => {
    if (method === undefined) {
      ownMetadata(target).middleware.unshift(...handlers)
      return
    }
    const { methodMiddleware } = ownMetadata(target.constructor)
    methodMiddleware.set(method, [...handlers, ...(methodMiddleware.get(method) ?? [])])
  }
}

/** The routes of a controller class, its ancestors' included, in the order written. */
export function routesOf(controller: Class): readonly RouteDefinition[] {
  return metadataOf(controller).routes
}

/** Class middleware, then the method's own, in the order they run. */
export function middlewareOf(controller: Class, handler: string): readonly RequestHandler[] {
  const { middleware, methodMiddleware } = metadataOf(controller)
  return [...middleware, ...(methodMiddleware.get(handler) ?? [])]
}

/**
 * Makes a decorator that marks a method with a typed fact, read back by guards with `flag.of`.
 *
 * @example const Public = methodFlag<true>('public')
 *          class Health { @Public(true) @Get('/live') live() {} }
 *          Public.of(Health, 'live') // true
 */
export function methodFlag<T>(name: string) {
  const key = Symbol(name)
  const decorate =
    (value: T) =>
    (prototype: object, method: string): void => {
      const { flags } = ownMetadata(prototype.constructor)
      flags.set(method, new Map(flags.get(method)).set(key, value))
    }
  const of = (owner: Class, method: string): T | undefined =>
    metadataOf(owner).flags.get(method)?.get(key) as T | undefined
  return Object.assign(decorate, { of })
}
