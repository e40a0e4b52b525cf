import { Agent, type ClientRequestArgs } from 'node:http'
import { connect, Socket } from 'node:net'
import type { Random } from '../lab/random.js'

/** The way from one client to the nodes, as a balancer would choose it; can be cut like a cable. */
export class Line extends Agent {
  /** When the network was last there again, in milliseconds since 1970. */
  upSince = 0
  private readonly connections = new Set<Socket>()
  private isUp = true

  constructor(
    private readonly origins: readonly string[],
    private readonly random: Random,
    /** Always this node, while one of them is to be met. */
    private readonly pinned?: string,
  ) {
    super({ keepAlive: false })
  }

  override createConnection(_options: ClientRequestArgs): Socket {
    if (!this.isUp) return deadSocket()
    const { hostname, port } = new URL(this.origin())
    const socket = connect(Number(port), hostname)
    this.connections.add(socket)
    socket.once('close', () => this.connections.delete(socket))
    return socket
  }

  /** Some node, for REST. */
  origin(): string {
    return this.pinned ?? this.random.pick(this.origins)
  }

  /** Destroys the connection without a farewell; nothing gets through until `restore`. */
  cut(): void {
    this.isUp = false
    for (const socket of this.connections) socket.resetAndDestroy()
  }

  restore(): void {
    if (this.isUp) return
    this.isUp = true
    this.upSince = Date.now()
  }
}

function deadSocket(): Socket {
  const socket = new Socket()
  // Once somebody listens for its error.
  setImmediate(() => socket.destroy(new Error('the network is down')))
  return socket
}
