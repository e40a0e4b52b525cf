import { createServer, connect as dial, type Socket } from 'node:net'

/** Counts the statements that clients send to a Postgres, on their way through. */
export class Statements {
  count = 0
  private readonly sockets = new Set<Socket>()
  private readonly server = createServer(client => this.carry(client))

  private constructor(private readonly target: URL) {}

  static async on(databaseUrl: string): Promise<Statements> {
    const statements = new Statements(new URL(databaseUrl))
    await new Promise<void>(resolve => statements.server.listen(0, '127.0.0.1', resolve))
    return statements
  }

  /** The database, by the way where statements are counted. */
  get url(): string {
    const address = this.server.address()
    if (address === null || typeof address === 'string') throw new Error('nothing listens')
    const url = new URL(this.target)
    url.port = String(address.port)
    return url.href
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy()
    this.server.close()
  }

  private carry(client: Socket) {
    const database = dial(Number(this.target.port), this.target.hostname)
    const types = new MessageTypes(type => {
      if (type === 'Q' || type === 'E') this.count += 1
    })
    client.on('data', chunk => types.read(chunk))
    for (const [from, to] of [
      [client, database],
      [database, client],
    ] as const) {
      this.sockets.add(from)
      from.setNoDelay(true)
      from.pipe(to)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        this.sockets.delete(from)
        to.destroy()
      })
    }
  }
}

/** Finds the messages of Postgres' protocol in what a client sends: a letter, a length, and what is skipped. */
class MessageTypes {
  private rest: Buffer = Buffer.alloc(0)
  private toSkip = 0
  /** The first message has no letter. */
  private headLength = 4

  constructor(private readonly heard: (type: string) => void) {}

  read(chunk: Buffer): void {
    let bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk])
    while (true) {
      const skipped = Math.min(this.toSkip, bytes.length)
      bytes = bytes.subarray(skipped)
      this.toSkip -= skipped
      if (bytes.length < this.headLength) break
      if (this.headLength === 5) this.heard(String.fromCharCode(bytes.readUInt8()))
      this.toSkip = bytes.readUInt32BE(this.headLength - 4) + this.headLength - 4
      this.headLength = 5
    }
    this.rest = bytes
  }
}
