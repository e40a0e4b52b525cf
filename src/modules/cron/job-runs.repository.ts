import { Autowired, Service } from '@forinda/kickjs-core'
import { and, eq, gte, lt, sql } from 'drizzle-orm'
import { Database } from '../../db/database.js'
import { jobRuns } from '../../db/schema/cluster.js'

/** Which turns of the timetable are done, on whichever node. */
@Service()
export class JobRunsRepository {
  @Autowired(Database) private db!: Database

  /** Whether the turn of that moment, or a later one, has been finished. */
  async isFinished(job: string, dueAt: string): Promise<boolean> {
    // A node whose clock is far ahead must not put a job off until the others get there.
    const believable = lt(jobRuns.dueAt, sql`now() + interval '1 hour'`)
    const done = and(eq(jobRuns.job, job), gte(jobRuns.dueAt, dueAt), believable)
    return (await this.db.query.select({ job: jobRuns.job }).from(jobRuns).where(done)).length > 0
  }

  async finish(job: string, dueAt: string): Promise<void> {
    const turn = { dueAt, finishedAt: sql`now()` }
    await this.db.query
      .insert(jobRuns)
      .values({ job, ...turn })
      .onConflictDoUpdate({ target: jobRuns.job, set: turn })
  }
}
