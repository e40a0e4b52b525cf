import type { Container } from '@forinda/kickjs-core'
import { CronAdapter } from '@forinda/kickjs-cron'
import { NodeJobs, SharedJobs } from './cron.jobs.js'
import { SharedTurns } from './shared-turns.js'

/** The timetable at work: what every node does for itself, and what one node does for all. */
export function cronAdapters(container: Container): CronAdapter[] {
  const turns = container.resolve(SharedTurns)
  return [
    new CronAdapter({ services: [NodeJobs] }),
    new CronAdapter({ services: [SharedJobs], around: (turn, run) => turns.take(turn, run) }),
  ]
}
