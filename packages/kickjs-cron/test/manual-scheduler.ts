import type { CronJob, CronScheduler } from '@forinda/kickjs-cron'

/** Time in the hands of a test: `tick` is the moment when a job is due. */
export class ManualScheduler implements CronScheduler {
  readonly jobs: CronJob[] = []
  private readonly due = new Map<string, (dueAt: Date) => Promise<void>>()

  schedule(job: CronJob, run: (dueAt: Date) => Promise<void>) {
    this.jobs.push(job)
    this.due.set(job.name, run)
    return { stop: () => void this.due.delete(job.name) }
  }

  /** Ends with the run; nothing happens for a job that is stopped or unknown. */
  async tick(name: string, dueAt = new Date()): Promise<void> {
    await this.due.get(name)?.(dueAt)
  }

  get scheduled(): string[] {
    return [...this.due.keys()]
  }
}
