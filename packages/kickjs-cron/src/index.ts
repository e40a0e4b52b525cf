export { Cron, type CronJob, type CronOptions, getCronJobs } from './cron.js'
export { CronAdapter, type CronAdapterOptions, type CronTurn } from './cron-adapter.js'
export { type CronScheduler, croner } from './scheduler.js'
