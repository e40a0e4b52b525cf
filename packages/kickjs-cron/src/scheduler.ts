import { Cron } from 'croner'
import type { CronJob } from './cron.js'

/** What makes jobs run when they are due. */
export interface CronScheduler {
  /**
   * Calls `run` at each time of the job, until stopped. `run` never rejects; its promise ends with the
   * work. Throws when the expression or the time zone is not valid.
   */
  schedule(job: CronJob, run: () => Promise<void>): { stop(): void }
}

/** The timetable by the clock of the process, on croner. */
export const croner: CronScheduler = {
  schedule: ({ expression, timezone }, run) => new Cron(expression, timezone ? { timezone } : {}, run),
}
