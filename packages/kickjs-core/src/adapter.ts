import type { Server } from 'node:http'
import type { Container } from './container.js'
import type { Class } from './scope.js'

/** What an adapter is handed at each step: the container, and (from kickjs-http) the Express app. */
export interface AdapterContext<App = unknown> {
  app: App
  container: Container
  /** Known from `afterStart` on, and already created at `beforeStart` (not yet listening). */
  server?: Server
}

/**
 * Infrastructure with a lifecycle, such as Socket.IO or cron. The steps run in the order below and,
 * within a step, in the order the adapters are listed; `drain` and `shutdown` run in reverse.
 */
export interface AppAdapter<App = unknown, Handler = unknown> {
  name?: string
  /** Express middleware that runs before all routes. */
  middleware?(): readonly Handler[]
  /** Before any middleware or route is mounted. */
  beforeMount?(context: AdapterContext<App>): void | Promise<void>
  /** After each controller is mounted, with its full path. */
  onRouteMount?(controller: Class, path: string): void
  /** When all is mounted, before the server listens. */
  beforeStart?(context: AdapterContext<App>): void | Promise<void>
  /** Once the server listens. */
  afterStart?(context: AdapterContext<App>): void | Promise<void>
  /** The server is about to stop, but still listens and answers: what can go elsewhere is sent there. */
  drain?(): void | Promise<void>
  /** The server does not listen any more. */
  shutdown?(): void | Promise<void>
}

/** Where a module's routes go: `{apiPrefix}/v{version}{path}`. */
export interface ModuleRoutes<Router = unknown> {
  path: string
  router?: Router
  controller?: Class
  /** Defaults to the application's `defaultVersion`; false is the root, without prefix and version. */
  version?: number | false
}

/** One area of an application: what it registers and what it mounts. */
export interface AppModule<Router = unknown> {
  register?(container: Container): void
  routes(): ModuleRoutes<Router> | readonly ModuleRoutes<Router>[] | null
}
