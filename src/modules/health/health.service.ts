import { type AppAdapter, Autowired, Logger, Service } from '@forinda/kickjs-core'
import { Bus } from '../../cluster/bus.js'
import { Database } from '../../db/database.js'
import { ChatSockets } from '../chat/chat-sockets.js'
import type { Readiness } from './health.contract.js'

/** How long the database may take to answer, in milliseconds. */
const PATIENCE_MS = 2_000

const logger = Logger.for('Health')

/** Whether this node can do its work. As the last adapter of the application it is the first to hear of its end. */
@Service()
export class HealthService implements AppAdapter {
  readonly name = 'Health'
  @Autowired(Database) private db!: Database
  @Autowired(ChatSockets) private sockets!: ChatSockets
  @Autowired(Bus) private bus!: Bus
  private asked: Promise<boolean> | undefined
  private stopping = false

  drain(): void {
    this.stopping = true
  }

  async readiness(): Promise<Readiness> {
    const database = (await this.databaseAnswers()) ? 'up' : 'down'
    const sockets = this.sockets.isOpen ? 'up' : 'down'
    const works = database === 'up' && sockets === 'up'
    const status = this.stopping ? 'stopping' : works ? 'ready' : 'unavailable'
    return { status, dependencies: { database, sockets, bus: this.bus.state } }
  }

  /** However many ask, the database is asked by one at a time. */
  private databaseAnswers(): Promise<boolean> {
    this.asked ??= this.ask().finally(() => {
      this.asked = undefined
    })
    return this.asked
  }

  private async ask(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`No answer within ${PATIENCE_MS} ms`)), PATIENCE_MS)
    })
    try {
      await Promise.race([this.db.ping(), late])
      return true
    } catch (error) {
      logger.warn({ err: error }, 'the database does not answer')
      return false
    } finally {
      clearTimeout(timer)
    }
  }
}
