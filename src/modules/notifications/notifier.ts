import { type AppAdapter, Autowired, Logger, Service } from '@forinda/kickjs-core'
import { Events } from '../../events.js'
import { Rounds } from '../../rounds.js'
import { Announcements } from './announcements.js'
import { FromActivityRepository } from './derive/from-activity.repository.js'
import { FromMessagesRepository } from './derive/from-messages.repository.js'
import type { Portion } from './derive/telling.repository.js'

/** How often it looks for what nobody told it of, in milliseconds. */
const EVERY_MS = 5_000
/** What comes within so many milliseconds is looked at together. */
const REST_MS = 100

const logger = Logger.for('Notifier')

/**
 * Turns what happens into notifications, on every node: each thing by one of them, in a transaction that
 * notes that it is done, so that one that is killed leaves it to the others, and nobody is told twice.
 */
@Service()
export class Notifier implements AppAdapter {
  readonly name = 'Notifier'
  @Autowired(Events) private events!: Events
  @Autowired(FromActivityRepository) private activity!: FromActivityRepository
  @Autowired(FromMessagesRepository) private messages!: FromMessagesRepository
  @Autowired(Announcements) private announcements!: Announcements
  private readonly rounds = new Rounds(() => this.round(), { everyMs: EVERY_MS, restMs: REST_MS, logger })
  /** Workspaces of which something was heard. */
  private heard = new Set<string>()
  private isSaid = false
  private caughtUpAt = Number.NEGATIVE_INFINITY

  beforeStart(): void {
    this.events.on('activity.recorded', ({ workspaceId }) => {
      this.heard.add(workspaceId)
      this.rounds.wake()
    })
    for (const name of ['message.created', 'message.edited', 'channel.advanced'] as const)
      this.events.on(name, () => {
        this.isSaid = true
        this.rounds.wake()
      })
  }

  afterStart(): void {
    this.rounds.start()
  }

  shutdown(): Promise<void> {
    return this.rounds.stop()
  }

  /** Looks at all that was not looked at yet, but for what another node is at. */
  async catchUp(): Promise<void> {
    this.caughtUpAt = performance.now()
    await this.lookAt()
  }

  private async round() {
    const [heard, isSaid] = [[...this.heard], this.isSaid]
    this.heard.clear()
    this.isSaid = false
    if (performance.now() - this.caughtUpAt >= EVERY_MS) await this.catchUp()
    else await this.lookAt(heard, isSaid)
  }

  private async lookAt(workspaceIds?: readonly string[], isSaid = true) {
    if (workspaceIds === undefined || workspaceIds.length > 0)
      for (const workspaceId of await this.activity.behind(workspaceIds))
        await this.work(() => this.activity.settle(workspaceId))
    if (isSaid) await this.work(() => this.messages.settle())
  }

  /** What cannot be worked off must not hold up the rest; it is tried again when everything is looked at. */
  private async work(settle: () => Promise<Portion>) {
    try {
      for (let isDone = false; !isDone; ) {
        const portion = await settle()
        this.announcements.announce(portion.told)
        isDone = portion.isDone
      }
    } catch (error) {
      logger.error({ err: error }, 'notifications could not be made; trying again')
    }
  }
}
