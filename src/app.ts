import type { AddressInfo } from 'node:net'
import { type Class, Container } from '@forinda/kickjs-core'
import { Application } from '@forinda/kickjs-http'
import { WsAdapter } from '@forinda/kickjs-ws'
import { AccessDoubts } from './cluster/access-doubts.js'
import { ClusterAdapter } from './cluster/cluster.adapter.js'
import { ThisNode } from './cluster/this-node.js'
import { openTransport } from './cluster/transport/open-transport.js'
import { CONFIG, type Config } from './config.js'
import { Database, type DatabaseOptions } from './db/database.js'
import { translateDatabaseError } from './db/unavailable.js'
import { StartupError } from './errors.js'
import { FILES } from './files/file-store.js'
import { openFileStore } from './files/open-file-store.js'
import { accessLog } from './http/access-log.js'
import { Afterwards } from './http/afterwards.js'
import { Authenticator, requireSocketUser } from './http/authenticate.js'
import { envelope } from './http/envelope.js'
import { Idempotency } from './http/idempotency.js'
import { ConnectionCounts } from './http/limits/connection-counts.js'
import { RateLimits } from './http/limits/rate-limits.js'
import { SocketLimits } from './http/limits/socket-limits.js'
import { cors, securityHeaders } from './http/security-headers.js'
import { timeRequests } from './http/time-requests.js'
import { refuseUnexpectedBody } from './http/unexpected-body.js'
import { Postman } from './mail/postman.js'
import { Metrics } from './metrics/metrics.js'
import { gaugePool } from './metrics/pool-gauges.js'
import { gaugeSockets } from './metrics/socket-gauges.js'
import { socketObserver } from './metrics/socket-observer.js'
import { ActivityController } from './modules/activity/activity.controller.js'
import { LiveActivity } from './modules/activity/live/live-activity.js'
import { AttachmentsController } from './modules/attachments/attachments.controller.js'
import { Uploads } from './modules/attachments/uploads.js'
import { AuthController } from './modules/auth/auth.controller.js'
import { SessionWatch } from './modules/auth/sessions/session-watch.js'
import { SessionsController } from './modules/auth/sessions/sessions.controller.js'
import { StreamTicketsService } from './modules/auth/sessions/stream-tickets.service.js'
import { ChannelsController } from './modules/channels/channels.controller.js'
import { ChatAdapter } from './modules/chat/chat.adapter.js'
import type { ServerEvents } from './modules/chat/chat.contract.js'
import { ChatController } from './modules/chat/chat.controller.js'
import { CompanyBroadcaster } from './modules/chat/company.broadcaster.js'
import { CommentsController } from './modules/comments/comments.controller.js'
import { cronAdapters } from './modules/cron/cron.adapters.js'
import { HealthController } from './modules/health/health.controller.js'
import { HealthService } from './modules/health/health.service.js'
import { LabelsController } from './modules/labels/labels.controller.js'
import { MessagesController } from './modules/messages/messages.controller.js'
import { ReactionsController } from './modules/messages/reactions/reactions.controller.js'
import { TaskLinksController } from './modules/messages/task-links/task-links.controller.js'
import { MetricsController } from './modules/metrics/metrics.controller.js'
import { LiveNotifications } from './modules/notifications/live/live-notifications.js'
import { NotificationsController } from './modules/notifications/notifications.controller.js'
import { Notifier } from './modules/notifications/notifier.js'
import { PreferencesController } from './modules/notifications/preferences/preferences.controller.js'
import { WatchingController } from './modules/notifications/watching/watching.controller.js'
import { OpenapiController } from './modules/openapi/openapi.controller.js'
import { OpenapiService } from './modules/openapi/openapi.service.js'
import { OperatorsController } from './modules/operators/operators.controller.js'
import { PresenceController } from './modules/presence/presence.controller.js'
import { ProjectMembersController } from './modules/projects/project-members.controller.js'
import { ProjectsController } from './modules/projects/projects.controller.js'
import { SearchController } from './modules/search/search.controller.js'
import { StatsController } from './modules/stats/stats.controller.js'
import { AssigneesController } from './modules/tasks/assignees/assignees.controller.js'
import { BoardController } from './modules/tasks/board/board.controller.js'
import { ColumnsController } from './modules/tasks/board/columns.controller.js'
import { BulkController } from './modules/tasks/bulk/bulk.controller.js'
import { TaskLabelsController } from './modules/tasks/labels/task-labels.controller.js'
import { CrowdedPlaces } from './modules/tasks/ranks/crowded-places.js'
import { RelationsController } from './modules/tasks/relations/relations.controller.js'
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
  BulkController,
  AssigneesController,
  TaskLabelsController,
  RelationsController,
  BoardController,
  ColumnsController,
  LabelsController,
  CommentsController,
  AttachmentsController,
  ActivityController,
  ChannelsController,
  MessagesController,
  ReactionsController,
  TaskLinksController,
  NotificationsController,
  PreferencesController,
  WatchingController,
  PresenceController,
  SearchController,
  StatsController,
  OperatorsController,
]

/** Every route beside the API, for those who run the server or write clients: `/health/*`, `/docs`, … */
export const serviceControllers: Class[] = [HealthController, MetricsController, OpenapiController]

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
  const container = new Container()
    .registerInstance(Database, database)
    .registerInstance(CONFIG, config)
    .registerInstance(FILES, await openFileStore(config))
  const transport = openTransport(config, container.resolve(ThisNode).secretFingerprint)
  const metrics = container.resolve(Metrics)
  const counts = container.resolve(ConnectionCounts)
  const sockets = new WsAdapter<ServerEvents>({
    path: '/ws',
    heartbeatInterval: 30_000,
    maxPayload: 1_048_576,
    maxConnections: config.maxConnections,
    admit: ({ address, onClose }) => onClose(counts.take({ address })),
    trustProxy: config.trustProxy,
    sessionIdPrefix: config.nodeName,
    adapter: transport?.adapter,
    observer: socketObserver(metrics),
    onLag: (socket, isLagging) => container.resolve(CompanyBroadcaster).lag(socket, isLagging),
    cors: config.corsOrigins.length ? { origin: config.corsOrigins, credentials: true } : undefined,
    controllers: socketControllers,
    throttle: container.resolve(SocketLimits).throttle,
    guards: [requireSocketUser],
    translateError: translateDatabaseError,
  })
  gaugePool(metrics, database)
  gaugeSockets(metrics, sockets)
  const openapi = container.resolve(OpenapiService)
  const application = new Application({
    container,
    host: config.host,
    port: config.port,
    trustProxy: config.trustProxy,
    shutdownTimeoutMs: 3_000,
    envelope,
    translateError: translateDatabaseError,
    middleware: [accessLog, timeRequests(metrics), securityHeaders(), cors(config.corsOrigins)],
    guards: [container.resolve(Authenticator).guard, container.resolve(RateLimits).guard],
    interceptors: [
      refuseUnexpectedBody,
      container.resolve(Uploads).interceptor,
      container.resolve(Idempotency).interceptor,
    ],
    modules: [
      { routes: () => controllers.map(controller => ({ path: '/', controller })) },
      { routes: () => serviceControllers.map(controller => ({ path: '/', version: false, controller })) },
    ],
    adapters: [
      ...(transport ? [new ClusterAdapter(transport, () => sockets.io.of('/chat'), metrics)] : []),
      container.resolve(StreamTicketsService),
      openapi,
      sockets,
      new ChatAdapter(sockets),
      container.resolve(LiveActivity),
      container.resolve(LiveNotifications),
      container.resolve(Notifier),
      container.resolve(Postman),
      container.resolve(CrowdedPlaces),
      ...(transport ? [container.resolve(SessionWatch), container.resolve(AccessDoubts)] : []),
      ...cronAdapters(container),
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
