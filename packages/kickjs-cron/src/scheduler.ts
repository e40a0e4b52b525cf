import { Cron } from 'croner'
import type { CronJob } from './cron.js'

/** What makes jobs run when they are due. */
export interface CronScheduler {
  /**
   * Calls `run` at each time of the job, until stopped, with the moment of the timetable that has come (the
   * latest one, when it calls late). `run` never rejects; its promise ends with the work. Throws when the
   * expression or the time zone is not valid.
   */
  schedule(job: CronJob, run: (dueAt: Date) => Promise<void>): { stop(): void }
}

/** The timetable by the clock of the process, on croner. */
export const croner: CronScheduler = {
  schedule: ({ expression, timezone }, run) =>
    new Cron(expression, timezone ? { timezone } : {}, cron => run(momentOf(cron))),
}

/** Croner calls at a moment or after it, never before, and says when it called. */
function momentOf(cron: Cron): Date {
  const called = cron.currentRun() ?? new Date()
  // Of the runs before: one of the very same millisecond is none.
  const [moment = called] = cron.previousRuns(1, new Date(called.getTime() + 1))
  return moment
}
