import type { AddressInfo } from 'node:net'
import { type Class, Container } from '@forinda/kickjs-core'
import { Application } from '@forinda/kickjs-http'
import { WsAdapter } from '@forinda/kickjs-ws'
import { CONFIG, type Config } from './config.js'
import { Database, type DatabaseOptions } from './db/database.js'
import { requireSocketUser } from './http/authenticate.js'
import { envelope } from './http/envelope.js'
import { ChannelsController } from './modules/channels/channels.controller.js'
import { ChatAdapter } from './modules/chat/chat.adapter.js'
import { ChatController } from './modules/chat/chat.controller.js'
import { MessagesController } from './modules/messages/messages.controller.js'
import { PresenceController } from './modules/presence/presence.controller.js'

/** A server that is ready to listen. */
export interface Vibed {
  container: Container
  database: Database
  /** Listens; resolves with the address. */
  start(): Promise<AddressInfo>
  /** Tells sockets and streams, finishes what is in flight, closes the database. */
  stop(): Promise<void>
}

/** The controllers of the API; all their paths are below `/api/v1`. */
const controllers: Class[] = [ChannelsController, MessagesController, PresenceController]

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
    cors: config.corsOrigins.length ? { origin: config.corsOrigins, credentials: true } : undefined,
    controllers: [ChatController],
    guards: [requireSocketUser],
  })
  const application = new Application({
    container,
    host: config.host,
    port: config.port,
    trustProxy: config.trustProxy,
    envelope,
    guards: [],
    modules: [{ routes: () => controllers.map(controller => ({ path: '/', controller })) }],
    adapters: [sockets, new ChatAdapter(sockets)],
  })
  return {
    container,
    database,
    start: () => application.start(),
    stop: async () => {
      await application.shutdown()
      await database.close()
    },
  }
}
