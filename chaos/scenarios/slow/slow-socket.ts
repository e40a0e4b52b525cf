import { setTimeout as delay } from 'node:timers/promises'
import { Api } from '../../../test/support/api.js'
import { LabClient } from '../../clients/lab-client.js'
import { Line } from '../../clients/line.js'
import { isServerEndOpen } from '../../faults/server-end.js'
import { SlowProxy } from '../../faults/slow-proxy.js'
import type { Site } from '../../lab/lab.js'
import type { Place } from '../../lab/people.js'

const BYTES_PER_SECOND = 1_024
const LOOK_MS = 50
/** So little at a time that what has to wait at first is far from any bound. */
const ASKED_AT_ONCE = 10
const REPEATED = 20
const CLOG_LIMIT_MS = 20_000

/** A client like all others, whose connection gets slow. */
export class SlowSocket {
  private closedAt: number | undefined
  private cloggedAt = 0
  private watch: NodeJS.Timeout | undefined

  private constructor(
    readonly client: LabClient,
    private readonly proxy: SlowProxy,
    private readonly operator: Api,
    private readonly nodePort: number,
    private readonly userId: string,
  ) {}

  static async open(site: Site, place: Place): Promise<SlowSocket> {
    const [person] = await site.people.make(1, place.workspaceId)
    const operator = await site.people.operator()
    if (!person) throw new Error('nobody was made')
    const { origin } = site.node(0)
    const proxy = new SlowProxy(origin)
    const random = site.random.stream('slow')
    const line = new Line([await proxy.listen()], random)
    const { name, token, id } = person
    const client = new LabClient({ name, token, channelIds: place.channelIds }, line, random)
    await client.present()
    const port = Number(new URL(origin).port)
    return new SlowSocket(client, proxy, new Api(origin, operator.token), port, id)
  }

  /**
   * Gets slow. On one machine the kernel takes megabytes before the server has to keep anything: the client
   * asks for so much that this is over at once, and the clock starts when the server's own queue does.
   */
  async clog(): Promise<void> {
    const [port = 0] = this.proxy.ports
    this.proxy.slow(BYTES_PER_SECOND)
    const deadline = Date.now() + CLOG_LIMIT_MS
    while (Date.now() < deadline && isServerEndOpen(this.nodePort, port) && (await this.backlog()) === 0) {
      this.askTooMuch()
      await delay(LOOK_MS)
    }
    this.cloggedAt = Date.now()
    this.watch = setInterval(() => {
      if (this.closedAt === undefined && !isServerEndOpen(this.nodePort, port)) this.closedAt = Date.now()
    }, LOOK_MS)
  }

  /** Milliseconds from the first byte that had to wait until the server closed; infinite while it has not. */
  closedAfter(): number {
    return (this.closedAt ?? Number.POSITIVE_INFINITY) - this.cloggedAt
  }

  /** The network is well again. */
  resume(): void {
    clearInterval(this.watch)
    this.proxy.cut()
  }

  async present(): Promise<void> {
    await this.client.present()
  }

  close(): void {
    this.client.close()
    this.proxy.close()
  }

  private askTooMuch() {
    for (const [channelId, { lastSeq }] of this.client.views) {
      const since = Math.max(0, lastSeq - REPEATED)
      for (let n = 0; n < ASKED_AT_ONCE; n++) this.client.tell('channel:sync', { channelId, since })
    }
  }

  private async backlog(): Promise<number> {
    const connections: { backlogBytes: number }[] = await this.operator.data(
      'GET',
      `/admin/connections?userId=${this.userId}`,
    )
    return connections.reduce((sum, { backlogBytes }) => sum + backlogBytes, 0)
  }
}
