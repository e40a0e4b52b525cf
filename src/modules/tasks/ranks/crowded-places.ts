import { type AppAdapter, Autowired, Logger, Service } from '@forinda/kickjs-core'
import { Events } from '../../../events.js'
import { Rounds } from '../../../rounds.js'
import { CROWDED_RANK, type CrowdedCard, RanksRepository } from './ranks.repository.js'

/** How soon it tries again what failed, in milliseconds. */
const EVERY_MS = 5_000

const logger = Logger.for('CrowdedPlaces')

/**
 * Makes room on boards in the background: each card put between the same two makes ranks longer, so where
 * they have become long, those around get shorter ones. What no node has come to is noticed with the next
 * card that is put there.
 */
@Service()
export class CrowdedPlaces implements AppAdapter {
  readonly name = 'CrowdedPlaces'
  @Autowired(Events) private events!: Events
  @Autowired(RanksRepository) private ranks!: RanksRepository
  private readonly rounds = new Rounds(() => this.makeRoom(), { everyMs: EVERY_MS, logger })
  private readonly crowded = new Map<string, CrowdedCard>()

  beforeStart(): void {
    this.events.on('task.moved', ({ task }) => {
      if (task.rank.length < CROWDED_RANK) return
      this.crowded.set(task.id, task)
      this.rounds.wake()
    })
  }

  afterStart(): void {
    this.rounds.start()
  }

  shutdown(): Promise<void> {
    return this.rounds.stop()
  }

  private async makeRoom() {
    for (const [id, card] of this.crowded) {
      this.crowded.delete(id)
      const lastSeq = await this.ranks.makeRoom(card)
      if (lastSeq !== undefined) this.events.emit('project.advanced', { ...placeOf(card), lastSeq })
    }
  }
}

function placeOf({ workspaceId, projectId }: CrowdedCard) {
  return { workspaceId, projectId }
}
