import { Autowired, Logger, Service } from '@forinda/kickjs-core'
import type { CronTurn } from '@forinda/kickjs-cron'
import { CONFIG, type Config } from '../../config.js'
import { withLock } from '../../db/advisory-lock.js'
import { Database } from '../../db/database.js'
import { JobRunsRepository } from './job-runs.repository.js'

const logger = Logger.for('Cron')

/** Sees to it that a turn of a job, which comes on every node, is carried out by one of them. */
@Service()
export class SharedTurns {
  @Autowired(Database) private database!: Database
  @Autowired(CONFIG) private config!: Config
  @Autowired(JobRunsRepository) private runs!: JobRunsRepository

  /**
   * Runs a turn unless another node has finished it. While one is at it this one waits, and takes over when
   * that one is killed or fails. What a job throws leaves its turn open for the nodes that have yet to come.
   */
  async take(turn: CronTurn, run: () => Promise<void>): Promise<void> {
    const url = this.config.databaseDirectUrl ?? this.config.databaseUrl
    // An embedded database is this process's own.
    if (this.database.kind === 'embedded' || url === undefined) return run()
    const name = `job ${turn.job.name}`
    await withLock({ url, name, signal: turn.stopping }, () => this.runOnce(turn, run))
  }

  private async runOnce({ job: { name: job }, dueAt }: CronTurn, run: () => Promise<void>): Promise<void> {
    const due = dueAt.toISOString()
    if (await this.runs.isFinished(job, due)) {
      logger.debug({ job, dueAt: due }, 'another node has done it')
      return
    }
    await run()
    await this.runs.finish(job, due)
  }
}
