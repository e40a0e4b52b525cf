import { createServer, connect as dial, type Socket } from 'node:net'

const PORTION_MS = 1_000

/** A way through to a node whose client can be made to read as slowly as one likes. */
export class SlowProxy {
  private readonly pairs = new Set<{ client: Socket; target: Socket; timer?: NodeJS.Timeout }>()
  private readonly server = createServer(client => this.join(client))

  constructor(private readonly target: string) {}

  async listen(): Promise<string> {
    await new Promise<void>(resolve => this.server.listen(0, '127.0.0.1', resolve))
    const address = this.server.address()
    if (address === null || typeof address === 'string') throw new Error('The proxy has no port')
    return `http://127.0.0.1:${address.port}`
  }

  /** From now on the connections that are there let so many bytes through in a second. */
  slow(bytesPerSecond: number): void {
    for (const pair of this.pairs) {
      pair.target.unpipe(pair.client)
      pair.timer = setInterval(() => {
        const portion = Math.min(bytesPerSecond, pair.target.readableLength)
        const bytes: Buffer | null = pair.target.read(portion)
        if (bytes) pair.client.write(bytes)
      }, PORTION_MS)
    }
  }

  /** The local ports of the connections to the node. */
  get ports(): number[] {
    return [...this.pairs].flatMap(({ target }) => target.localPort ?? [])
  }

  /** Ends the connections that are there; new ones are as fast as any. */
  cut(): void {
    for (const { client, target } of this.pairs) {
      client.destroy()
      target.destroy()
    }
  }

  close(): void {
    this.cut()
    this.server.close()
  }

  private join(client: Socket) {
    const { hostname, port } = new URL(this.target)
    const target = dial({ host: hostname, port: Number(port) })
    const pair: { client: Socket; target: Socket; timer?: NodeJS.Timeout } = { client, target }
    this.pairs.add(pair)
    client.pipe(target).pipe(client)
    for (const socket of [client, target])
      socket
        .on('error', () => {})
        .on('close', () => {
          clearInterval(pair.timer)
          this.pairs.delete(pair)
          client.destroy()
          target.destroy()
        })
  }
}
