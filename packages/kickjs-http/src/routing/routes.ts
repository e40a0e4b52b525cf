import {
  type Class,
  type HttpMethod,
  middlewareOf,
  type RequestHandler,
  type RouteSchemas,
  routesOf,
} from '@forinda/kickjs-core'
import express, { type IRouter, type Response, type Router } from 'express'
import { readBody } from '../request/body.js'
import { RequestContext } from '../request/context.js'
import { validate } from '../request/validate.js'
import { runtimeOf } from '../runtime.js'
import { pass } from './pass.js'
import type { RouteIndex } from './route-index.js'

/** A route as guards see it. */
export interface RouteInfo {
  controller: Class
  /** The name of the controller's method. */
  handler: string
  method: HttpMethod
  /** The pattern as mounted, such as `/api/v1/tasks/:taskId`; below `buildRoutes`, without its prefix. */
  path: string
  schemas: RouteSchemas
}

/** Runs before a route reads its body. It refuses by throwing an `HttpException`. */
export type RouteGuard = (ctx: RequestContext, route: RouteInfo) => void | Promise<void>

/**
 * Runs around a route's handler and its answer, once the request is known to be valid. `next` resolves
 * when the handler has answered and rejects with what it throws; without it the interceptor answers.
 */
export type RouteInterceptor = (
  ctx: RequestContext,
  route: RouteInfo,
  next: () => Promise<void>,
) => Promise<void>

/** A router with a controller's routes, for a module that mounts its own `router`. */
export function buildRoutes(controller: Class): Router {
  const router = express.Router({ mergeParams: true })
  mountRoutes(router, '', controller)
  return router
}

/**
 * Adds a controller's routes to a router, and to the index in front of it. An application adds all of them to its
 * one router, since Express gives up a turn of the event loop for each nested router that does not match.
 */
export function mountRoutes(router: IRouter, prefix: string, controller: Class, index?: RouteIndex): void {
  for (const { path, ...definition } of routesOf(controller)) {
    const info = { controller, ...definition, path: joinPaths(prefix, path) }
    const handler = serve(info)
    const route = router.route(info.path)[info.method](handler)
    index?.add(info.method, route, handler)
  }
}

/** Joins with single slashes and none at the end: `/api`, `/`, `tasks` → `/api/tasks`. */
export function joinPaths(...parts: string[]): string {
  const segments = parts.join('/').split('/').filter(Boolean)
  return `/${segments.join('/')}`
}

function serve(route: RouteInfo): express.RequestHandler {
  const middleware: readonly RequestHandler[] = middlewareOf(route.controller, route.handler)
  return async (req, res) => {
    const { container, guards, interceptors, json, envelope } = runtimeOf(req)
    const ctx = new RequestContext(req, res, req.params, req.query, req.body)
    for (const guard of guards) {
      await guard(ctx, route)
      if (isAnswered(res)) return
    }
    if (route.method !== 'get') ctx.body = await readBody(req, res, json, route.schemas)
    for (const handler of middleware) {
      await pass(handler, ctx)
      if (isAnswered(res)) return
    }
    validate(ctx, route.schemas)
    const handle = async () => {
      const controller = Object(container.resolve(route.controller))
      const value: unknown = await controller[route.handler](ctx)
      // Also where the client has left: an interceptor may want the answer.
      if (res.headersSent) return
      if (value === undefined) ctx.noContent()
      else ctx.json(envelope(value))
    }
    const chain = interceptors.reduceRight<() => Promise<void>>(
      (next, around) => () => around(ctx, route, next),
      handle,
    )
    await chain()
  }
}

function isAnswered(res: Response): boolean {
  return res.headersSent || res.destroyed
}
