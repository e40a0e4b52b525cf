import { setTimeout as delay } from 'node:timers/promises'
import {
  type AdapterContext,
  type AppAdapter,
  type Class,
  type Container,
  Logger,
} from '@forinda/kickjs-core'
import { type CronJob, getCronJobs } from './cron.js'
import { type CronScheduler, croner } from './scheduler.js'

export interface CronAdapterOptions {
  /** The classes whose `@Cron` methods run. */
  services: readonly Class[]
  /** False schedules nothing, for nodes that leave the work to others. */
  enabled?: boolean
  /** Croner, unless tests or the application drive time themselves. */
  scheduler?: CronScheduler
  /** Wraps each run, for example in a lock that only one node holds; not calling `run` skips it. */
  around?: (turn: CronTurn, run: () => Promise<void>) => Promise<void>
  /** How long `shutdown` waits for the runs under way, in milliseconds; 1,000 unless given. */
  shutdownTimeoutMs?: number
}

/** One time at which a job is to run. */
export interface CronTurn {
  job: CronJob
  /** The moment of the timetable, the same for all whose clocks differ; of a run on init, that of the start. */
  dueAt: Date
  /** Aborted by shutdown, for whoever still waits to begin. */
  stopping: AbortSignal
}

const logger = Logger.for('Cron')

/**
 * Runs the `@Cron` methods of services once the application has started. A job never overlaps itself:
 * a turn that comes while the last run is under way is skipped. What a job throws is logged under its
 * name. Shutdown stops the timetable and waits for the runs under way, though not for long: a job has to
 * survive being broken off anyway.
 *
 * Errors: an expression or time zone that is not valid fails the start, naming the method.
 *
 * @example bootstrap({ modules, adapters: [new CronAdapter({ services: [PresenceCronJobs] })] })
 */
export class CronAdapter implements AppAdapter {
  readonly name = 'CronAdapter'
  private readonly timers: { stop(): void }[] = []
  private readonly running = new Map<CronJob, Promise<void>>()
  private readonly stopping = new AbortController()

  constructor(private readonly options: CronAdapterOptions) {}

  afterStart({ container }: AdapterContext): void {
    if (this.options.enabled === false) return
    const tasks = this.options.services.flatMap(service => tasksOf(service, container))
    try {
      for (const task of tasks) this.timers.push(this.schedule(task))
    } catch (error) {
      this.stop()
      throw error
    }
    logger.info('Scheduled', { jobs: tasks.map(({ job }) => `${job.name} (${job.expression})`) })
    for (const task of tasks) if (task.job.runOnInit) void this.run(task, new Date())
  }

  async shutdown(): Promise<void> {
    this.stop()
    this.stopping.abort()
    const { shutdownTimeoutMs = 1_000 } = this.options
    await Promise.race([
      Promise.all(this.running.values()),
      delay(shutdownTimeoutMs, undefined, { ref: false }),
    ])
  }

  private schedule(task: Task): { stop(): void } {
    const { scheduler = croner } = this.options
    try {
      return scheduler.schedule(task.job, dueAt => this.run(task, dueAt))
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new Error(`Cannot schedule ${task.job.name}: ${reason}`, { cause: error })
    }
  }

  private run({ job, work }: Task, dueAt: Date): Promise<void> {
    if (this.running.has(job)) {
      logger.warn('Skipped: the run before is still under way', { job: job.name })
      return Promise.resolve()
    }
    const turn = { job, dueAt, stopping: this.stopping.signal }
    const run = this.attempt(turn, work).finally(() => this.running.delete(job))
    this.running.set(job, run)
    return run
  }

  private async attempt(turn: CronTurn, work: () => Promise<void>): Promise<void> {
    try {
      await (this.options.around ? this.options.around(turn, work) : work())
    } catch (error) {
      logger.error({ err: error, job: turn.job.name }, 'A job failed')
    }
  }

  private stop(): void {
    for (const timer of this.timers.splice(0)) timer.stop()
  }
}

interface Task {
  job: CronJob
  work: () => Promise<void>
}

function tasksOf(service: Class, container: Container): Task[] {
  const instance: object = Object(container.resolve(service))
  return getCronJobs(service).map(job => ({
    job,
    work: async () => {
      await Reflect.apply(Reflect.get(instance, job.handlerName), instance, [])
    },
  }))
}
