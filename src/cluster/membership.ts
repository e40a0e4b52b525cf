import { Autowired, Logger, Service } from '@forinda/kickjs-core'
import { StartupError } from '../errors.js'
import { Events } from '../events.js'
import { Rounds } from '../rounds.js'
import { type LeasedNode, LeasesRepository } from './leases.repository.js'
import { ThisNode } from './this-node.js'

/** How long a node that says nothing is taken to be alive, in milliseconds. */
const LEASE_MS = 15_000
const BEAT_MS = 5_000

const logger = Logger.for('Membership')

/** This node's place among the others: it holds a lease, and ends the leases of those that died. */
@Service()
export class Membership {
  @Autowired(LeasesRepository) private leases!: LeasesRepository
  @Autowired(ThisNode) private node!: ThisNode
  @Autowired(Events) private events!: Events
  private readonly beating = new Rounds(() => this.beat(), { everyMs: BEAT_MS, logger })
  private lastBeat: number | undefined
  /** The nodes that held a lease at the last beat, this one included. */
  live: readonly LeasedNode[] = []

  /**
   * Takes a place among the nodes.
   * @throws StartupError where another one would not believe this one's tokens
   */
  async join(): Promise<void> {
    const [stranger] = await this.leases.strangers(this.node.secretFingerprint)
    if (stranger !== undefined) {
      throw new StartupError(
        `The node ${stranger} signs access tokens with another secret: give all nodes the same JWT_SECRET`,
      )
    }
    await this.beat()
    this.beating.start()
  }

  /**
   * Prolongs the lease and looks who else is there. Leases of others end only by a node that has been in
   * touch with the database all along: after it was away, everybody gets time to come back.
   */
  async beat(now = performance.now()): Promise<void> {
    const { id, name, secretFingerprint } = this.node
    await this.leases.hold({ id, name, secretFingerprint }, LEASE_MS)
    const wasInTouch = this.lastBeat !== undefined && now - this.lastBeat < 2 * BEAT_MS
    this.lastBeat = now
    if (wasInTouch) await this.leases.expire()
    this.live = await this.leases.live()
    this.events.deliver('nodes.seen', { nodes: [...this.live] })
  }

  /** Gives the place up, so that the others need not wait for the lease to end. */
  async leave(): Promise<void> {
    if (this.lastBeat === undefined) return
    // A beat under way would take the lease again.
    await this.beating.stop()
    try {
      await this.leases.release(this.node.id)
      this.events.emitElsewhere('node.left', { nodeId: this.node.id })
    } catch (error) {
      logger.warn({ err: error }, 'the lease was not given up: it ends by itself')
    }
  }
}
