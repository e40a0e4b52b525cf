import { Autowired, Logger, Service } from '@forinda/kickjs-core'
import { ThisNode } from '../../cluster/this-node.js'
import { type DomainEvents, Events } from '../../events.js'
import type { Present } from './presence.contract.js'
import { PresenceRepository, type Standing } from './presence.repository.js'

/** Who came to another node and who went from it. `gone` gets no grace. */
export interface Others {
  came(nodeId: string, present: Present): void
  went(nodeId: string, userId: string, gone: boolean): void
}

interface Known {
  startedAt: string
  version: number
  userIds: Set<string>
}

const logger = Logger.for('OthersPresence')

/** Who is at the other nodes: told by the bus, and read from the database where anything was missed. */
@Service()
export class OthersPresence {
  @Autowired(PresenceRepository) private stored!: PresenceRepository
  @Autowired(ThisNode) private self!: ThisNode
  @Autowired(Events) private events!: Events
  private readonly nodes = new Map<string, Known>()
  private readonly reading = new Map<string, { again: boolean }>()
  private others: Others = { came: () => {}, went: () => {} }

  follow(others: Others): void {
    this.others = others
    this.events.on('presence.changed', change => this.apply(change))
    this.events.on('nodes.seen', ({ nodes }) => this.compare(nodes))
    // Its users are looking for another node: they get the time that a reload gets.
    this.events.on('node.left', ({ nodeId }) => this.drop(nodeId, false))
  }

  private apply({ nodeId, startedAt, version, came, went }: DomainEvents['presence.changed']) {
    const known = this.nodes.get(nodeId)
    if (known?.startedAt !== startedAt) return this.read(nodeId)
    if (version <= known.version) return
    if (version > known.version + 1 || !came || !went) return this.read(nodeId)
    known.version = version
    for (const userId of went) this.remove(nodeId, known, userId)
    for (const present of came) this.add(nodeId, known, present)
  }

  private compare(live: DomainEvents['nodes.seen']['nodes']) {
    const ids = new Set(live.map(({ id }) => id))
    for (const nodeId of this.nodes.keys()) if (!ids.has(nodeId)) this.drop(nodeId, true)
    for (const { id, startedAt, presenceVersion } of live) {
      const known = this.nodes.get(id)
      const isCurrent = known?.startedAt === startedAt && known.version === presenceVersion
      if (id !== this.self.id && !isCurrent) void this.read(id)
    }
  }

  /** One read at a time for each node; what is asked meanwhile is read after it. */
  private async read(nodeId: string): Promise<void> {
    const underWay = this.reading.get(nodeId)
    if (underWay) {
      underWay.again = true
      return
    }
    const turn = { again: true }
    this.reading.set(nodeId, turn)
    try {
      while (turn.again) {
        turn.again = false
        const found = await this.stored.atNode(nodeId)
        if (found) this.replace(nodeId, found)
      }
    } catch (error) {
      logger.warn({ err: error }, 'who is at another node could not be read; trying again with the next beat')
    } finally {
      this.reading.delete(nodeId)
    }
  }

  private replace(nodeId: string, found: Standing & { present: Present[] }) {
    const { startedAt, version, present } = found
    const known: Known = this.nodes.get(nodeId) ?? { startedAt, version, userIds: new Set() }
    // A change that came by the bus meanwhile may be newer than what was read.
    if (startedAt === known.startedAt && version < known.version) return
    this.nodes.set(nodeId, known)
    known.startedAt = startedAt
    known.version = version
    const now = new Set(present.map(({ userId }) => userId))
    for (const userId of known.userIds) if (!now.has(userId)) this.remove(nodeId, known, userId)
    for (const visitor of present) this.add(nodeId, known, visitor)
  }

  private drop(nodeId: string, gone: boolean) {
    const known = this.nodes.get(nodeId)
    this.nodes.delete(nodeId)
    for (const userId of known?.userIds ?? []) this.others.went(nodeId, userId, gone)
  }

  private add(nodeId: string, known: Known, present: Present) {
    if (known.userIds.has(present.userId)) return
    known.userIds.add(present.userId)
    this.others.came(nodeId, present)
  }

  /** He had his grace at his own node. */
  private remove(nodeId: string, known: Known, userId: string) {
    if (known.userIds.delete(userId)) this.others.went(nodeId, userId, true)
  }
}
