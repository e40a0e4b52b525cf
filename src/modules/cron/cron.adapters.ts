import { Logger } from '@forinda/kickjs-core'
import { CronAdapter } from '@forinda/kickjs-cron'
import { runAlone } from '../../db/advisory-lock.js'
import type { Database } from '../../db/database.js'
import { NodeJobs, SharedJobs } from './cron.jobs.js'

const logger = Logger.for('Cron')

/** The timetable at work: what every node does, and what the first node to take a job's lock does for all. */
export function cronAdapters(database: Database): CronAdapter[] {
  return [
    new CronAdapter({ services: [NodeJobs] }),
    new CronAdapter({
      services: [SharedJobs],
      around: async ({ name }, run) => {
        const ran = await runAlone(database, name, run)
        if (!ran) logger.debug({ job: name }, 'another node is at it')
      },
    }),
  ]
}
