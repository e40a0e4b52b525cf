import type { Container } from '@forinda/kickjs-core'
import type { Application, Request } from 'express'
import type { JsonReader } from './request/body.js'
import type { RouteGuard, RouteInterceptor } from './routing/routes.js'
import type { EventStreams } from './sse/event-streams.js'

/** What the routes of one application share. */
export interface Runtime {
  container: Container
  guards: readonly RouteGuard[]
  interceptors: readonly RouteInterceptor[]
  json: JsonReader
  envelope(value: unknown): unknown
  translateError(error: unknown): unknown
  streams: EventStreams
}

const runtimes = new WeakMap<Application, Runtime>()

export function attachRuntime(app: Application, runtime: Runtime): void {
  runtimes.set(app, runtime)
}

/**
 * Found from the request, not when a route is built, so that several applications in one process can
 * serve the same controller, each with its own container and guards.
 */
export function runtimeOf(req: Request): Runtime {
  const runtime = runtimes.get(req.app)
  if (!runtime) throw new Error('A router of buildRoutes() can only be served by an Application')
  return runtime
}
