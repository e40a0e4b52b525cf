import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { isServerEndOpen } from '../../faults/server-end.js'
import type { Site } from '../../lab/lab.js'
import type { Place } from '../../lab/people.js'

/** A stream of statistics that is opened and never read. */
export class SlowStream {
  private readonly openedAt = Date.now()
  private closedAt: number | undefined
  private readonly watch: NodeJS.Timeout

  private constructor(
    private readonly socket: Socket,
    nodePort: number,
  ) {
    const { localPort = 0 } = socket
    this.watch = setInterval(() => {
      if (!isServerEndOpen(nodePort, localPort)) this.closedAt ??= Date.now()
    }, 100)
  }

  static async open(site: Site, { owner, workspaceId }: Place): Promise<SlowStream> {
    const port = Number(new URL(site.node(0).origin).port)
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.pause()
    socket.on('error', () => {})
    const head = [
      `GET /api/v1/workspaces/${workspaceId}/stats/live HTTP/1.1`,
      'Host: vibed.lab',
      `Authorization: Bearer ${owner.accessToken}`,
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n`)
    return new SlowStream(socket, port)
  }

  /** Milliseconds from its opening until the server closed it; undefined while it has not. */
  closedAfter(): number | undefined {
    return this.closedAt === undefined ? undefined : this.closedAt - this.openedAt
  }

  close(): void {
    clearInterval(this.watch)
    this.socket.destroy()
  }
}
