import { type AppAdapter, Autowired, Logger, Service } from '@forinda/kickjs-core'
import { Events } from '../../../events.js'
import { Rounds } from '../../../rounds.js'
import { SessionsRepository } from './sessions.repository.js'

/** Sockets and streams whose session ended unheard are found within so many milliseconds. */
const WATCH_MS = 1_000

const logger = Logger.for('SessionWatch')

/**
 * Asks the database whether the sessions of open connections live, in one statement for all of them: another
 * node may have ended one while it could not be heard, or somebody by hand. Starts and stops with the application.
 */
@Service()
export class SessionWatch implements AppAdapter {
  readonly name = 'SessionWatch'
  @Autowired(SessionsRepository) private sessions!: SessionsRepository
  @Autowired(Events) private events!: Events
  private readonly sources: (() => Iterable<string>)[] = []
  private readonly rounds = new Rounds(() => this.look(Date.now()), { everyMs: WATCH_MS, logger })

  /** From now on the sessions that `source` names are watched, too. */
  add(source: () => Iterable<string>): void {
    this.sources.push(source)
  }

  afterStart(): void {
    this.rounds.start()
  }

  shutdown(): Promise<void> {
    return this.rounds.stop()
  }

  /** Announces, on this node alone, which of the sessions are over. */
  async look(now: number): Promise<void> {
    const open = new Set(this.sources.flatMap(source => [...source()]))
    if (open.size === 0) return
    const over = await this.sessions.over([...open], new Date(now).toISOString())
    for (const sessionId of over) this.events.deliver('session.revoked', { sessionId })
  }
}
