import { Socket } from 'node:net'
import { Logger } from '@forinda/kickjs-core'
import pg from 'pg'

/** How long connecting or a statement may take, in milliseconds. */
const PATIENCE_MS = 5_000

type Connected = Parameters<pg.Pool['connect']>[0]

const logger = Logger.for('BusPool')

/**
 * The connections of a bus over NOTIFY: one that listens, and one that sends, a statement at a time and so in
 * order. `@socket.io/postgres-adapter` takes the first from `connect()`; it neither hears of that one's
 * errors, which would end the process, nor gives it back when it is lost, which would use up a plain pool.
 */
export class BusPool extends pg.Pool {
  private listener: { client: pg.Client; socket: Socket } | undefined
  private ends = false

  constructor(url: string) {
    super({
      connectionString: url,
      max: 1,
      application_name: 'vibed-bus',
      connectionTimeoutMillis: PATIENCE_MS,
      query_timeout: PATIENCE_MS,
      keepAlive: true,
    })
    this.on('error', error => logger.debug({ err: error }, 'an idle connection was lost'))
  }

  get isListening(): boolean {
    return this.listener !== undefined
  }

  /** Statements that have not been answered yet. */
  get pending(): number {
    return this.waitingCount + this.totalCount - this.idleCount
  }

  /** The connection to listen on; with a callback, as `query` calls it, the one for statements. */
  override connect(): Promise<pg.PoolClient>
  override connect(callback: Connected): void
  override connect(callback?: Connected): Promise<pg.PoolClient> | undefined {
    if (!callback) return this.listen()
    super.connect(callback)
    return undefined
  }

  /** Cuts the connection that listens, which may be dead without a sound: its owner asks for another one. */
  reconnect(): void {
    this.listener?.socket.destroy()
  }

  override async end(): Promise<void> {
    this.ends = true
    this.reconnect()
    await super.end()
  }

  private async listen(): Promise<pg.PoolClient> {
    if (this.ends) throw new Error('The bus is closed')
    // Its owner asks for another one already, and must not do so twice.
    this.listener?.client.removeAllListeners('end')
    this.reconnect()
    this.listener = undefined
    const socket = new Socket()
    const client = new pg.Client({ ...this.options, stream: () => socket })
    client.on('error', error => logger.debug({ err: error }, 'the connection that listens was lost'))
    client.once('end', () => {
      if (this.listener?.client === client) this.listener = undefined
    })
    await client.connect()
    if (this.ends) socket.destroy()
    this.listener = { client, socket }
    return Object.assign(client, { release: () => socket.destroy() })
  }
}
