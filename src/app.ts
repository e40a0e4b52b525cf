import type { AddressInfo } from 'node:net'
import { type Class, Container } from '@forinda/kickjs-core'
import { Application } from '@forinda/kickjs-http'
import { WsAdapter } from '@forinda/kickjs-ws'
import { CONFIG, type Config } from './config.js'
import { Database, type DatabaseOptions } from './db/database.js'
import { translateDatabaseError } from './db/unavailable.js'
import { StartupError } from './errors.js'
import { accessLog } from './http/access-log.js'
import { Afterwards } from './http/afterwards.js'
import { Authenticator, requireSocketUser } from './http/authenticate.js'
import { envelope } from './http/envelope.js'
import { Idempotency } from './http/idempotency.js'
import { RateLimits } from './http/rate-limit.js'
import { cors, securityHeaders } from './http/security-headers.js'
import { ServiceRoutes } from './http/service-routes.js'
import { SocketLimits } from './http/socket-limits.js'
import { refuseUnexpectedBody } from './http/unexpected-body.js'
import { AuthController } from './modules/auth/auth.controller.js'
import { SessionsController } from './modules/auth/sessions/sessions.controller.js'
import { StreamTicketsService } from './modules/auth/sessions/stream-tickets.service.js'
import { ChannelsController } from './modules/channels/channels.controller.js'
import { ChatAdapter } from './modules/chat/chat.adapter.js'
import { ChatController } from './modules/chat/chat.controller.js'
import { cronAdapters } from './modules/cron/cron.adapters.js'
import { HealthController } from './modules/health/health.controller.js'
import { HealthService } from './modules/health/health.service.js'
import { MessagesController } from './modules/messages/messages.controller.js'
import { OpenapiController } from './modules/openapi/openapi.controller.js'
import { OpenapiService } from './modules/openapi/openapi.service.js'
import { PresenceController } from './modules/presence/presence.controller.js'
import { ProjectMembersController } from './modules/projects/project-members.controller.js'
import { ProjectsController } from './modules/projects/projects.controller.js'
import { StatsController } from './modules/stats/stats.controller.js'
import { AssigneesController } from './modules/tasks/assignees/assignees.controller.js'
import { BoardController } from './modules/tasks/board/board.controller.js'
import { TasksController } from './modules/tasks/tasks.controller.js'
import { UsersController } from './modules/users/users.controller.js'
import { InvitationsController } from './modules/workspaces/invitations/invitations.controller.js'
import { MembersController } from './modules/workspaces/members/members.controller.js'
import { WorkspacesController } from './modules/workspaces/workspaces.controller.js'

/** A server that is ready to listen. */
export interface Vibed {
  container: Container
  database: Database
  /** Listens; resolves with the address. */
  start(): Promise<AddressInfo>
  /** Tells sockets and streams, finishes what is in flight, closes the database. */
  stop(): Promise<void>
}

/** Every route of the API, below `/api/v1`. */
export const controllers: Class[] = [
  AuthController,
  SessionsController,
  UsersController,
  WorkspacesController,
  MembersController,
  InvitationsController,
  ProjectsController,
  ProjectMembersController,
  TasksController,
  AssigneesController,
  BoardController,
  ChannelsController,
  MessagesController,
  PresenceController,
  StatsController,
]

/** Every route beside the API, for those who run the server or write clients: `/health/*`, `/docs`, … */
export const serviceControllers: Class[] = [HealthController, OpenapiController]

/** Every event of the chat. */
export const socketControllers: Class[] = [ChatController]

/**
 * The whole server from its settings: the database, then everything that the map above names.
 * @throws StartupError when the environment or the database does not allow it
 */
export async function createApp(
  config: Config,
  { onStatement }: Pick<DatabaseOptions, 'onStatement'> = {},
): Promise<Vibed> {
  const database = await Database.open({
    url: config.databaseUrl,
    dataDir: config.dataDir,
    poolSize: config.databasePoolSize,
    ...(onStatement && { onStatement }),
  })
  const container = new Container().registerInstance(Database, database).registerInstance(CONFIG, config)
  const sockets = new WsAdapter({
    path: '/ws',
    heartbeatInterval: 30_000,
    maxPayload: 1_048_576,
    maxConnections: 10_000,
    cors: config.corsOrigins.length ? { origin: config.corsOrigins, credentials: true } : undefined,
    controllers: socketControllers,
    guards: [container.resolve(SocketLimits).guard, requireSocketUser],
    translateError: translateDatabaseError,
  })
  const openapi = container.resolve(OpenapiService)
  const application = new Application({
    container,
    host: config.host,
    port: config.port,
    trustProxy: config.trustProxy,
    shutdownTimeoutMs: 3_000,
    envelope,
    translateError: translateDatabaseError,
    middleware: [accessLog, ...securityHeaders(), cors(config.corsOrigins)],
    guards: [container.resolve(Authenticator).guard, container.resolve(RateLimits).guard],
    interceptors: [refuseUnexpectedBody, container.resolve(Idempotency).interceptor],
    modules: [{ routes: () => controllers.map(controller => ({ path: '/', controller })) }],
    adapters: [
      container.resolve(StreamTicketsService),
      openapi,
      new ServiceRoutes(serviceControllers, (...mounted) => openapi.onRouteMount(...mounted)),
      sockets,
      new ChatAdapter(sockets),
      ...cronAdapters(database),
      container.resolve(HealthService),
    ],
  })
  return {
    container,
    database,
    start: () => listen(application, config),
    stop: async () => {
      await application.shutdown()
      await container.resolve(Afterwards).finish()
      await database.close()
    },
  }
}

async function listen(application: Application, { host, port }: Config): Promise<AddressInfo> {
  try {
    return await application.start()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const mend = startupMends[String(code)]
    if (mend === undefined) throw error
    throw new StartupError(`Cannot listen on ${host}:${port}: ${mend}`, { cause: error })
  }
}

const startupMends: Record<string, string> = {
  EADDRINUSE: 'another program does; stop it, or set PORT to a free one',
  EACCES: 'this user may not; set PORT to 1024 or above',
  EADDRNOTAVAIL: 'this machine has no such address; correct HOST',
  ENOTFOUND: 'there is no such host; correct HOST',
}
