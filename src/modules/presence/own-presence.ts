import { Autowired, Logger, PostConstruct, Service } from '@forinda/kickjs-core'
import { ThisNode } from '../../cluster/this-node.js'
import { Events } from '../../events.js'
import { AtMostEvery } from './at-most-every.js'
import type { Present } from './presence.contract.js'
import { PresenceRepository, type Standing } from './presence.repository.js'

/** How often the other nodes are told who came and went, in milliseconds. */
const PUBLISH_MS = 1_000
/** What is longer is not told, in bytes: the others read it from the database. */
const LONGEST_TOLD = 4_000

const logger = Logger.for('OwnPresence')

/** Who is at this node, as the other nodes get to know it: by the database, and sooner by the bus. */
@Service()
export class OwnPresence {
  @Autowired(PresenceRepository) private stored!: PresenceRepository
  @Autowired(ThisNode) private node!: ThisNode
  @Autowired(Events) private events!: Events
  private readonly here = new Map<string, Present>()
  /** Who came or went since the last version, by how it is now. */
  private changed = new Set<string>()
  /** When it took the lease under which all that is here was published; unknown while it holds none. */
  private leasedAt: string | undefined
  private readonly publishing = new AtMostEvery(PUBLISH_MS, () => this.publish())

  @PostConstruct()
  follow(): void {
    this.events.on('nodes.seen', ({ nodes }) => {
      const own = nodes.find(({ id }) => id === this.node.id)
      if (own) this.leased(own.startedAt)
    })
  }

  came(present: Present): void {
    this.here.set(present.userId, present)
    this.change(present.userId)
  }

  went(userId: string): void {
    this.here.delete(userId)
    this.change(userId)
  }

  /** He belongs to other workspaces now. Nodes that know of him find that out; the others are told of him with these. */
  moved(userId: string, workspaceIds: readonly string[]): void {
    const present = this.here.get(userId)
    if (present) this.here.set(userId, { ...present, workspaceIds })
  }

  close(): void {
    this.publishing.stop()
  }

  private change(userId: string) {
    this.changed.add(userId)
    if (this.leasedAt !== undefined) this.publishing.ask()
  }

  /** A lease that was lost took its rows along: all that is here is published anew. */
  private leased(startedAt: string) {
    if (this.leasedAt === startedAt) return
    this.leasedAt = startedAt
    for (const userId of this.here.keys()) this.changed.add(userId)
    if (this.changed.size > 0) this.publishing.ask()
  }

  private tell(standing: Standing, change: { came: Present[]; went: string[] }) {
    const fits = JSON.stringify(change).length <= LONGEST_TOLD
    this.events.emitElsewhere('presence.changed', { nodeId: this.node.id, ...standing, ...(fits && change) })
  }

  private async publish() {
    const changed = [...this.changed]
    this.changed.clear()
    const came = changed.flatMap(userId => this.here.get(userId) ?? [])
    const went = changed.filter(userId => !this.here.has(userId))
    try {
      const standing = await this.stored.publish(this.node.id, { came, went })
      // Without a lease there is nothing to be seen: the next one brings it all.
      if (!standing) this.leasedAt = undefined
      else this.tell(standing, { came: came.map(present => this.here.get(present.userId) ?? present), went })
    } catch (error) {
      for (const userId of changed) this.changed.add(userId)
      this.publishing.ask()
      logger.warn({ err: error }, 'who is here could not be published; trying again')
    }
  }
}
