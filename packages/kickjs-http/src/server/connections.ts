import { once } from 'node:events'
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** How soon a connection that has become idle while draining is closed. */
const sweepMs = 25

/** Knows a server's connections and unfinished responses, so that it can stop without cutting one off. */
export class Connections {
  private readonly sockets = new Set<Socket>()
  private readonly responses = new Set<ServerResponse>()
  private retiring = false

  constructor(private readonly server: Server) {
    server.on('connection', socket => {
      this.sockets.add(socket)
      socket.once('close', () => this.sockets.delete(socket))
    })
    server.prependListener('request', (_req, res) => this.follow(res))
  }

  /** From now on every response is the last one of its connection, so that clients go elsewhere. */
  retire(): void {
    this.retiring = true
    for (const res of this.responses) announceClose(res)
  }

  /** Accepts no more connections; resolves when the last one is closed. Each closes after its response. */
  async drain(): Promise<void> {
    this.retire()
    if (!this.server.listening) {
      this.server.once('listening', () => this.server.close())
      return
    }
    const closed = once(this.server, 'close')
    this.server.close()
    this.closeIdle()
    const sweep = setInterval(() => this.closeIdle(), sweepMs)
    await closed
    clearInterval(sweep)
  }

  /** Destroys all connections, upgraded ones included. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  /** Node does not count a connection as idle that has not sent anything yet, as browsers open in advance. */
  private closeIdle(): void {
    this.server.closeIdleConnections()
    for (const socket of this.sockets) if (socket.bytesRead === 0) socket.destroy()
  }

  private follow(res: ServerResponse): void {
    this.responses.add(res)
    if (this.retiring) announceClose(res)
    res.on('close', () => this.responses.delete(res))
  }
}

function announceClose(res: ServerResponse): void {
  if (!res.headersSent) res.setHeader('Connection', 'close')
}
