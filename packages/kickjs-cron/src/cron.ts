import type { Class } from '@forinda/kickjs-core'

export interface CronOptions {
  /** What the job is for, in a sentence. */
  description?: string
  /** IANA name (`Europe/Berlin`) of the zone that the expression is read in; the process's own when left out. */
  timezone?: string
  /** Runs once when the application has started, besides the timetable. */
  runOnInit?: boolean
}

/** A method with its timetable. */
export interface CronJob extends CronOptions {
  /** `Class.method`, as logs and errors call it. */
  name: string
  expression: string
  handlerName: string
}

const decorated = new WeakMap<object, Omit<CronJob, 'name'>[]>()

/**
 * Runs a method on a timetable: five fields from the minute on, or six from the second on. Several on
 * one method are several jobs. The class has to be among the `services` of a `CronAdapter`.
 *
 * @example @Cron('0 3 * * *', { description: 'Remove expired tokens', timezone: 'Europe/Berlin' })
 *          async removeExpired() {}
 */
export function Cron(expression: string, options: CronOptions = {}) {
  return (prototype: object, handlerName: string): void => {
    const jobs = decorated.get(prototype.constructor) ?? []
    // Decorators of one method run from the bottom up, so a further one goes before its siblings.
    const sibling = jobs.findIndex(job => job.handlerName === handlerName)
    const index = sibling < 0 ? jobs.length : sibling
    decorated.set(prototype.constructor, jobs.toSpliced(index, 0, { expression, handlerName, ...options }))
  }
}

/** The jobs of a service class, its parents' included unless it schedules that method itself. */
export function getCronJobs(service: Class): CronJob[] {
  return jobsOf(service).map(job => ({ ...job, name: `${service.name}.${job.handlerName}` }))
}

function jobsOf(service: object): Omit<CronJob, 'name'>[] {
  const parent: object | null = Object.getPrototypeOf(service)
  const own = decorated.get(service) ?? []
  const overridden = new Set(own.map(job => job.handlerName))
  const inherited = parent ? jobsOf(parent).filter(job => !overridden.has(job.handlerName)) : []
  return [...inherited, ...own]
}
