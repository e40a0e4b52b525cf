import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type AppAdapter, type AppModule, type Class, Container, Logger } from '@forinda/kickjs-core'
import express, { type Express, type RequestHandler, type Router } from 'express'
import { handleError } from './errors/error-handler.js'
import { jsonReader } from './request/body.js'
import { assignRequestId } from './request/request-id.js'
import { joinSteps } from './routing/chain.js'
import { notFound } from './routing/not-found.js'
import { RouteIndex } from './routing/route-index.js'
import { joinPaths, mountRoutes, type RouteGuard, type RouteInterceptor } from './routing/routes.js'
import { attachRuntime } from './runtime.js'
import { Connections } from './server/connections.js'
import { toOriginForm } from './server/origin-form.js'
import { answerParserErrors } from './server/parser-errors.js'
import { createStableServer } from './server/stable-prototypes.js'
import { EventStreams } from './sse/event-streams.js'

export interface ApplicationOptions {
  modules: readonly (AppModule<Router> | Class<AppModule<Router>>)[]
  adapters?: readonly AppAdapter<Express, RequestHandler>[]
  /** Express middleware for every request, before that of the adapters. */
  middleware?: readonly RequestHandler[]
  /** `/api` unless given. */
  apiPrefix?: string
  /** The version of routes that name none; 1 unless given. */
  defaultVersion?: number
  /** 3000 unless given; 0 takes any free port. */
  port?: number
  /** 127.0.0.1 unless given. */
  host?: string
  /** The process-wide container unless given. */
  container?: Container
  /** Run before each route, in this order, before its body is read. */
  guards?: readonly RouteGuard[]
  /** Run around each handler, the first one outermost, once the request is known to be valid. */
  interceptors?: readonly RouteInterceptor[]
  /** The largest JSON body in bytes; 1 MiB unless given. */
  bodyLimit?: number
  /** Wraps what handlers return and what they pass to `ctx.created`. */
  envelope?: (value: unknown) => unknown
  /** Turns what a library threw into an `HttpException`, where the application knows what it means. */
  translateError?: (error: unknown) => unknown
  /** Which proxies may say who the client is; Express' `trust proxy`. */
  trustProxy?: boolean | number | string | string[]
  /**
   * How long `shutdown` waits for adapters and open requests, in milliseconds; 4,000 unless given. The
   * adapters' `drain` may take two thirds of it.
   */
  shutdownTimeoutMs?: number
}

/** So that those who only stop once all is drained have some time left. */
const DRAIN_SHARE = 2 / 3

const logger = Logger.for('Application')
const shutDownEarly = 'The application was shut down while it started'

/**
 * Modules and adapters on one Express app and one HTTP server. Several can live in one process, each
 * with a container of its own.
 *
 * @example const app = new Application({ modules: [TasksModule], port: 0 })
 *          const { port } = await app.start()
 *          await app.shutdown()
 */
export class Application {
  private readonly app = express()
  private readonly server: Server = createStableServer(this.app)
  private readonly connections = new Connections(this.server)
  private readonly index = new RouteIndex()
  private readonly streams = new EventStreams()
  private readonly container: Container
  private readonly adapters: readonly AppAdapter<Express, RequestHandler>[]
  private mounted: Promise<void> | undefined
  private started: Promise<AddressInfo> | undefined
  private stopped: Promise<void> | undefined

  constructor(private readonly options: ApplicationOptions) {
    this.container = options.container ?? Container.getInstance()
    this.adapters = options.adapters ?? []
    this.app.disable('x-powered-by').disable('etag')
    this.server.prependListener('request', toOriginForm)
    answerParserErrors(this.server)
    if (options.trustProxy !== undefined) this.app.set('trust proxy', options.trustProxy)
    attachRuntime(this.app, {
      container: this.container,
      guards: options.guards ?? [],
      interceptors: options.interceptors ?? [],
      json: jsonReader(options.bodyLimit ?? 1_048_576),
      envelope: options.envelope ?? (value => value),
      translateError: options.translateError ?? (error => error),
      streams: this.streams,
    })
  }

  getExpressApp(): Express {
    return this.app
  }

  getHttpServer(): Server {
    return this.server
  }

  /** Mounts middleware and routes, once. `start` does it too; alone it serves `getExpressApp()`. */
  setup(): Promise<void> {
    this.mounted ??= this.mount()
    return this.mounted
  }

  /** Listens, once; resolves with the address. Errors: that of a module, an adapter or of `listen`. */
  start(): Promise<AddressInfo> {
    this.started ??= this.listen().catch(async error => {
      await this.shutdown()
      throw error
    })
    return this.started
  }

  /**
   * Stops, once: drains the adapters while it still serves, then accepts no more, ends streams, shuts
   * the adapters down and waits for open requests. What is left after `shutdownTimeoutMs` is cut off.
   */
  shutdown(): Promise<void> {
    this.stopped ??= this.stop()
    return this.stopped
  }

  private async mount(): Promise<void> {
    this.app.use(assignRequestId)
    for (const adapter of this.adapters) await adapter.beforeMount?.(this.context)
    const adapted = this.adapters.flatMap(adapter => adapter.middleware?.() ?? [])
    const steps = joinSteps([...(this.options.middleware ?? []), ...adapted, this.index.handler])
    for (const step of steps) this.app.use(step)
    const modules = this.options.modules.map(module => (typeof module === 'function' ? new module() : module))
    for (const module of modules) module.register?.(this.container)
    for (const module of modules) this.mountModule(module)
    this.app.use(notFound(this.app.router))
    this.app.use(handleError)
  }

  private mountModule(module: AppModule<Router>): void {
    const { apiPrefix = '/api', defaultVersion = 1 } = this.options
    for (const { path, router, controller, version = defaultVersion } of [module.routes() ?? []].flat()) {
      const prefix = version === false ? joinPaths(path) : joinPaths(apiPrefix, `v${version}`, path)
      if (router) this.mountRouter(prefix, router)
      else if (controller) mountRoutes(this.app, prefix, controller, this.index)
      else throw new Error(`${prefix} has neither a router nor a controller`)
      if (!controller) continue
      this.container.resolve(controller)
      for (const adapter of this.adapters) adapter.onRouteMount?.(controller, prefix)
    }
  }

  /** It may take requests that routes after it would take too. */
  private mountRouter(prefix: string, router: Router): void {
    this.index.close()
    this.app.use(prefix, router)
  }

  private async listen(): Promise<AddressInfo> {
    await this.setup()
    for (const adapter of this.adapters) await adapter.beforeStart?.(this.context)
    if (this.stopped) throw new Error(shutDownEarly)
    this.server.listen(this.options.port ?? 3000, this.options.host ?? '127.0.0.1')
    await once(this.server, 'listening')
    const address = this.server.address()
    if (address === null || typeof address === 'string') throw new Error(shutDownEarly)
    this.server.on('error', error => logger.error({ err: error }, 'A connection could not be accepted'))
    for (const adapter of this.adapters) await adapter.afterStart?.(this.context)
    return address
  }

  private async stop(): Promise<void> {
    const timeout = this.options.shutdownTimeoutMs ?? 4000
    const ended = new AbortController()
    const late = elapsed(timeout, ended.signal)
    if (this.server.listening) {
      this.connections.retire()
      const over = elapsed(timeout * DRAIN_SHARE, ended.signal)
      await Promise.race([this.inReverse('drain', over), over])
    }
    const closed = this.connections.drain()
    this.streams.close()
    await Promise.race([this.inReverse('shutdown', late).then(() => closed), late])
    ended.abort()
    this.connections.cut()
    await closed
  }

  /** Takes the adapters through a step, one after the other, as long as it is not over. */
  private async inReverse(step: 'drain' | 'shutdown', over: Promise<void>): Promise<void> {
    let isOver = false
    void over.then(() => {
      isOver = true
    })
    for (const adapter of [...this.adapters].reverse()) {
      if (isOver) return
      try {
        await adapter[step]?.()
      } catch (error) {
        logger.error({ err: error, adapter: adapter.name, step }, 'An adapter failed to stop')
      }
    }
  }

  private get context() {
    return { app: this.app, container: this.container, server: this.server }
  }
}

/** Resolves after that time in milliseconds; never once the signal has come. */
function elapsed(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => clearTimeout(timer))
  })
}
