import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { Worker } from 'node:worker_threads'

type Report =
  | { kind: 'ready' }
  | { kind: 'bytes'; bytes: Uint8Array }
  | { kind: 'failed'; message: string }
  | { kind: 'stopped' }

/**
 * The embedded database in a worker thread, spoken to in Postgres' own wire protocol. So `pg` is the
 * only driver, and a long query does not hold up the event loop that serves sockets.
 */
export class EmbeddedServer {
  private connection: Connection | undefined

  private constructor(private readonly worker: Worker) {
    worker.on('message', (report: Report) => {
      if (report.kind === 'bytes') this.connection?.push(report.bytes)
      if (report.kind === 'failed') this.connection?.destroy(new Error(report.message))
    })
    worker.on('error', error => this.connection?.destroy(error))
    worker.on('exit', () => this.connection?.destroy(new Error('The embedded database has stopped')))
  }

  /** Opens the database in `directory`, made on first use; `null` keeps it in memory only. */
  static async start(directory: string | null): Promise<EmbeddedServer> {
    const worker = new Worker(new URL('./worker.mjs', import.meta.url), { workerData: { directory } })
    await once(worker, 'message')
    return new EmbeddedServer(worker)
  }

  /** A connection as `pg` wants it for its `stream` option. There is one at a time. */
  connect(): Duplex {
    this.connection?.destroy()
    this.connection = new Connection(this.worker)
    return this.connection
  }

  async stop(): Promise<void> {
    const stopped = new Promise<void>(resolve => {
      this.worker.on('message', (report: Report) => report.kind === 'stopped' && resolve())
      this.worker.on('exit', () => resolve())
    })
    this.worker.postMessage({ kind: 'stop' })
    await stopped
    await this.worker.terminate()
  }
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
