import type { AdapterContext, AppAdapter } from '@forinda/kickjs-core'
import type { Metrics } from '../metrics/metrics.js'
import { type AskingLine, Cluster } from './ask.js'
import { Bus, type Line } from './bus.js'
import { Membership } from './membership.js'
import type { Transport } from './transport/transport.js'

/**
 * Makes this process one of several nodes, from before it serves anybody until it has sent everybody away: as
 * the first of the application's adapters it is the last to stop.
 */
export class ClusterAdapter implements AppAdapter {
  readonly name = 'Cluster'
  private container: AdapterContext['container'] | undefined

  /** @param line the namespace that the bus goes over, once the sockets are served */
  constructor(
    private readonly transport: Transport,
    private readonly line: () => Line & AskingLine,
    private readonly metrics: Metrics,
  ) {}

  async beforeStart({ container }: AdapterContext): Promise<void> {
    this.container = container
    await container.resolve(Membership).join()
  }

  async afterStart({ container }: AdapterContext): Promise<void> {
    const [bus, membership] = [container.resolve(Bus), container.resolve(Membership)]
    container.resolve(Cluster).open(this.line())
    bus.open(this.transport, this.line(), this.metrics.bus)
    this.metrics.gauge('bus_up', 'Whether the other nodes can be heard', () => Number(bus.state === 'up'))
    this.metrics.gauge('bus_backlog', 'Events that wait to be sent to the other nodes', () => bus.backlog)
    this.metrics.gauge('leases', 'Nodes that hold a lease', () => membership.live.length)
    await membership.beat()
  }

  async shutdown(): Promise<void> {
    await this.container?.resolve(Membership).leave()
    await this.container?.resolve(Bus).close()
    await this.transport.close()
  }
}
