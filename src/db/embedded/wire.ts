import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

type Report =
  | { kind: 'ready' }
  | { kind: 'bytes'; bytes: Uint8Array }
  | { kind: 'failed'; message: string }
  | { kind: 'stopped' }

/** How long a stop waits for the work under way, in milliseconds. */
const STOP_LIMIT_MS = 1_000

/**
 * The embedded database in a worker thread, spoken to in Postgres' own wire protocol. So `pg` is the
 * only driver, and a long query does not hold up the event loop that serves sockets.
 */
export class EmbeddedServer {
  /** Resolves if the database ends without being told to. */
  readonly failed: Promise<Error>
  private readonly ended: Promise<void>
  private connection: Connection | undefined
  /** Why there is no database any more. */
  private end: Error | undefined
  private fail: (reason: string) => void = () => {}

  private constructor(private readonly worker: Worker) {
    worker.on('message', (report: Report) => {
      if (report.kind === 'bytes') this.connection?.push(report.bytes)
      if (report.kind === 'failed') this.connection?.destroy(away(report.message))
    })
    this.ended = new Promise(resolve => worker.once('exit', () => resolve()))
    this.failed = new Promise(resolve => {
      this.fail = reason => {
        if (this.end) return
        this.end = away(reason)
        this.connection?.destroy(this.end)
        resolve(this.end)
      }
    })
    worker.once('error', error => this.fail(error.message))
    worker.once('exit', code => this.fail(`its thread ended with code ${code}`))
  }

  /** Opens the database in `directory`, made on first use; `null` keeps it in memory only. */
  static async start(
    directory: string | null,
    settings: Readonly<Record<string, string>>,
  ): Promise<EmbeddedServer> {
    const worker = new Worker(new URL('./worker.mjs', import.meta.url), {
      workerData: { directory, settings },
    })
    await once(worker, 'message')
    return new EmbeddedServer(worker)
  }

  /** A connection as `pg` wants it for its `stream` option. There is one at a time. */
  connect(): Duplex {
    this.connection?.destroy()
    this.connection = new Connection(this.worker)
    if (this.end) this.connection.destroy(this.end)
    return this.connection
  }

  /** Closes the database; a statement that takes longer than a second is broken off, and undone on the next start. */
  async stop(): Promise<void> {
    this.end ??= away('it was stopped')
    const stopped = new Promise<void>(resolve => {
      this.worker.on('message', (report: Report) => report.kind === 'stopped' && resolve())
    })
    this.worker.postMessage({ kind: 'stop' })
    await Promise.race([stopped, this.ended, delay(STOP_LIMIT_MS, undefined, { ref: false })])
    await this.worker.terminate()
    this.connection?.destroy(this.end)
  }

  /** Ends it at once, without another write: its folder may belong to others now. */
  async abandon(reason: string): Promise<void> {
    this.fail(reason)
    await this.worker.terminate()
  }
}

/** With the code of a server that nobody hears at, since for whoever asks it is the same. */
function away(reason: string): Error {
  return Object.assign(new Error(`The embedded database has stopped: ${reason}`), { code: 'ECONNREFUSED' })
}

class Connection extends Duplex {
  constructor(private readonly worker: Worker) {
    super()
    worker.postMessage({ kind: 'open' })
  }

  connect() {
    process.nextTick(() => this.emit('connect'))
    return this
  }

  // What `pg` calls on a TCP socket, without a meaning here.
  setNoDelay() {
    return this
  }
  setKeepAlive() {
    return this
  }
  ref() {
    return this
  }
  unref() {
    return this
  }

  override _read() {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void) {
    this.pass(new Uint8Array(chunk))
    done()
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void) {
    this.pass(new Uint8Array(Buffer.concat(chunks.map(({ chunk }) => chunk))))
    done()
  }

  override _final(done: () => void) {
    this.push(null)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void) {
    this.worker.postMessage({ kind: 'close' })
    done(error)
  }

  private pass(bytes: Uint8Array<ArrayBuffer>) {
    this.worker.postMessage({ kind: 'bytes', bytes }, [bytes.buffer])
  }
}
