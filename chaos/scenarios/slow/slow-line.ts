import { setTimeout as delay } from 'node:timers/promises'
import { Api } from '../../../test/support/api.js'
import { isServerEndOpen } from '../../faults/server-end.js'
import { SlowProxy } from '../../faults/slow-proxy.js'
import type { Site } from '../../lab/lab.js'
import type { Person, Place } from '../../lab/people.js'

const BYTES_PER_SECOND = 1_024
const LOOK_MS = 50
const CLOG_LIMIT_MS = 30_000
/** So long after it began to be slow nobody waits any more for the server to close it. */
const GIVEN_UP_MS = 20_000

/** Somebody's way to the first node, which gets slow; and what that node makes of it. */
export class SlowLine {
  private closedAt: number | undefined
  private cloggedAt = 0
  private watch: NodeJS.Timeout | undefined

  private constructor(
    readonly person: Person,
    readonly origin: string,
    private readonly proxy: SlowProxy,
    private readonly operator: Api,
    private readonly nodePort: number,
  ) {}

  static async open(site: Site, { workspaceId }: Place): Promise<SlowLine> {
    const [person] = await site.people.make(1, workspaceId)
    const { token } = await site.people.operator()
    if (!person) throw new Error('nobody was made')
    const { origin } = site.node(0)
    const proxy = new SlowProxy(origin)
    const operator = new Api(origin, token)
    return new SlowLine(person, await proxy.listen(), proxy, operator, Number(new URL(origin).port))
  }

  /**
   * Gets slow. On one machine the kernel takes megabytes before the server has to keep anything: `askTooMuch`
   * is called until this is over, and the clock starts when the server's own queue does.
   */
  async clog(askTooMuch: () => void | Promise<void>): Promise<void> {
    const [port = 0] = this.proxy.ports
    this.proxy.slow(BYTES_PER_SECOND)
    const deadline = Date.now() + CLOG_LIMIT_MS
    while (Date.now() < deadline && isServerEndOpen(this.nodePort, port) && (await this.backlog()) === 0) {
      await askTooMuch()
      await delay(LOOK_MS)
    }
    this.cloggedAt = Date.now()
    this.watch = setInterval(() => {
      if (this.closedAt === undefined && !isServerEndOpen(this.nodePort, port)) this.closedAt = Date.now()
    }, LOOK_MS)
  }

  /** Milliseconds from the first byte that had to wait until the server closed; infinite where it does not. */
  async closedAfter(): Promise<number> {
    while (this.closedAt === undefined && Date.now() - this.cloggedAt < GIVEN_UP_MS) await delay(LOOK_MS)
    return (this.closedAt ?? Number.POSITIVE_INFINITY) - this.cloggedAt
  }

  /** The network is well again. */
  resume(): void {
    clearInterval(this.watch)
    this.proxy.cut()
  }

  close(): void {
    clearInterval(this.watch)
    this.proxy.close()
  }

  private async backlog(): Promise<number> {
    const path = `/admin/connections?userId=${this.person.id}`
    const connections: { backlogBytes: number }[] = await this.operator.data('GET', path)
    return connections.reduce((sum, { backlogBytes }) => sum + backlogBytes, 0)
  }
}
