import { Autowired, Container, Logger, Scope, Service } from '@forinda/kickjs-core'
import { Cron, CronAdapter, type CronAdapterOptions, type CronScheduler } from '@forinda/kickjs-cron'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { capturedLines } from '../../kickjs-core/test/captured-lines.js'
import { ManualScheduler } from './manual-scheduler.js'

Logger.configure({ level: 'silent' })

/** An adapter that has started, and its scheduler. */
function started(options: CronAdapterOptions, container = new Container()) {
  const scheduler = new ManualScheduler()
  const adapter = new CronAdapter({ scheduler, ...options })
  adapter.afterStart({ app: undefined, container })
  onTestFinished(() => adapter.shutdown())
  return { adapter, scheduler, container }
}

/** A promise and the way to keep it. */
function gate() {
  let open = () => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { open, opened }
}

describe('the article', () => {
  const logger = Logger.for('PresenceCronJobs')

  @Service()
  class PresenceCronJobs {
    @Cron('*/5 * * * *', { description: 'Clean up stale presence entries' })
    async cleanupPresence() {
      logger.info('Running presence cleanup...')
    }
  }

  test('runs its job when it is due', async () => {
    const lines = capturedLines()
    const { scheduler } = started({ services: [PresenceCronJobs], enabled: true })
    expect(scheduler.jobs).toMatchObject([
      { expression: '*/5 * * * *', description: 'Clean up stale presence entries' },
    ])
    await scheduler.tick('PresenceCronJobs.cleanupPresence')
    expect(lines().map(({ part, msg }) => [part, msg])).toEqual([
      ['Cron', 'Scheduled'],
      ['PresenceCronJobs', 'Running presence cleanup...'],
    ])
  })

  test('says at start what is scheduled', () => {
    const lines = capturedLines()
    started({ services: [PresenceCronJobs] })
    expect(lines()).toMatchObject([{ jobs: ['PresenceCronJobs.cleanupPresence (*/5 * * * *)'] }])
  })
})

describe('services', () => {
  @Service()
  class Clock {
    now = () => 42
  }

  @Service()
  class Sweeps {
    readonly swept: number[] = []
    @Autowired(Clock) private readonly clock!: Clock

    @Cron('* * * * *') sweep() {
      this.swept.push(this.clock.now())
    }
  }

  test('come from the container of the application, and a method keeps its object', async () => {
    const { scheduler, container } = started({ services: [Sweeps] })
    await scheduler.tick('Sweeps.sweep')
    expect(container.resolve(Sweeps).swept).toEqual([42])
  })

  test('may be stood in for, and be transient', async () => {
    const sweep = vi.fn()
    const stand = Object.assign(Object.create(Sweeps.prototype), { sweep })
    const first = started({ services: [Sweeps] }, new Container().registerInstance(Sweeps, stand))
    await first.scheduler.tick('Sweeps.sweep')
    expect(sweep).toHaveBeenCalledWith()

    const made = vi.fn(() => stand)
    started({ services: [Sweeps] }, new Container().registerFactory(Sweeps, made, Scope.TRANSIENT))
    expect(made).toHaveBeenCalledTimes(1)
  })

  test('are neither made nor scheduled when it is not enabled', async () => {
    const made = vi.fn(() => new Sweeps())
    const container = new Container().registerFactory(Sweeps, made)
    const { scheduler } = started({ services: [Sweeps], enabled: false }, container)
    expect(scheduler.scheduled).toEqual([])
    expect(made).not.toHaveBeenCalled()
  })

  test('that cannot be resolved fail the start and leave nothing scheduled', () => {
    class Unmarked {
      @Cron('* * * * *') work() {}
    }
    const scheduler = new ManualScheduler()
    const adapter = new CronAdapter({ services: [Sweeps, Unmarked], scheduler })
    expect(() => adapter.afterStart({ app: undefined, container: new Container() })).toThrow('Unmarked')
    expect(scheduler.scheduled).toEqual([])
  })
})

describe('a run', () => {
  test('never overlaps the one before: the turn is skipped and said so, the next one runs', async () => {
    const lines = capturedLines('warn')
    const { open, opened } = gate()
    const work = vi.fn(() => opened)
    @Service()
    class Reports {
      @Cron('* * * * *') build = () => work()
    }
    const { scheduler } = started({ services: [Reports] })
    const first = scheduler.tick('Reports.build')
    await scheduler.tick('Reports.build')
    expect(work).toHaveBeenCalledTimes(1)
    expect(lines()).toMatchObject([{ level: 40, job: 'Reports.build' }])
    open()
    await first
    await scheduler.tick('Reports.build')
    expect(work).toHaveBeenCalledTimes(2)
  })

  test('that fails, at once or later, is logged under its name and the next one runs', async () => {
    const lines = capturedLines('error')
    let runs = 0
    @Service()
    class Reports {
      @Cron('0 * * * *') now() {
        runs++
        throw new Error('no disk')
      }
      @Cron('0 0 * * *') async later() {
        runs++
        throw 'no words'
      }
    }
    const { scheduler } = started({ services: [Reports] })
    await scheduler.tick('Reports.now')
    await scheduler.tick('Reports.later')
    await scheduler.tick('Reports.now')
    expect(runs).toBe(3)
    expect(lines()).toMatchObject([
      { level: 50, job: 'Reports.now', err: { message: 'no disk' } },
      { level: 50, job: 'Reports.later', err: 'no words' },
      { level: 50, job: 'Reports.now' },
    ])
  })

  test('of one job holds up no other', async () => {
    const { open, opened } = gate()
    const quick = vi.fn()
    @Service()
    class Mixed {
      @Cron('* * * * *') slow = () => opened
      @Cron('* * * * *') quick = () => quick()
    }
    const { scheduler } = started({ services: [Mixed] })
    const slow = scheduler.tick('Mixed.slow')
    await scheduler.tick('Mixed.quick')
    expect(quick).toHaveBeenCalledTimes(1)
    open()
    await slow
  })

  test('on init happens once, after all is scheduled, and counts as a run under way', async () => {
    const { open, opened } = gate()
    const calls: unknown[] = []
    const scheduler = new ManualScheduler()
    @Service()
    class Warmth {
      @Cron('0 0 1 1 *', { runOnInit: true }) warm() {
        calls.push(scheduler.scheduled)
        return opened
      }
      @Cron('0 0 1 1 *') other() {
        calls.push('other')
      }
    }
    const { adapter } = started({ services: [Warmth], scheduler })
    await scheduler.tick('Warmth.warm')
    expect(calls).toEqual([['Warmth.warm', 'Warmth.other']])
    open()
    await adapter.shutdown()
    expect(calls).toHaveLength(1)
  })
})

describe('around', () => {
  @Service()
  class Digest {
    readonly sent: string[] = []
    @Cron('0 9 * * *', { description: 'Morning digest' }) send() {
      this.sent.push('digest')
    }
    @Cron('0 9 * * *') fail() {
      throw new Error('no mail')
    }
  }

  test('wraps each run, knows its job and may leave it out', async () => {
    const held = new Set<string>()
    const { scheduler, container } = started({
      services: [Digest],
      around: async ({ job }, run) => {
        if (!held.has(job.name)) await run()
        held.add(job.name)
      },
    })
    await scheduler.tick('Digest.send')
    await scheduler.tick('Digest.send')
    expect(container.resolve(Digest).sent).toEqual(['digest'])
  })

  test('knows the moment of the timetable; of a run on init, that of the start', async () => {
    @Service()
    class Warmth {
      @Cron('0 0 1 1 *', { runOnInit: true }) warm() {}
    }
    const moments: Date[] = []
    const begun = Date.now()
    const { scheduler } = started({
      services: [Warmth],
      around: async ({ dueAt }) => void moments.push(dueAt),
    })
    expect(moments[0]?.getTime()).toBeGreaterThanOrEqual(begun)
    expect(moments[0]?.getTime()).toBeLessThanOrEqual(Date.now())
    const newYear = new Date('2027-01-01T00:00:00.000Z')
    await vi.waitFor(async () => {
      await scheduler.tick('Warmth.warm', newYear)
      expect(moments[1]).toBe(newYear)
    })
  })

  test('is told when the timetable stops, so that whoever waits to begin can give up', async () => {
    const { adapter, scheduler, container } = started({
      services: [Digest],
      shutdownTimeoutMs: 60_000,
      around: ({ stopping }) =>
        new Promise(resolve => stopping.addEventListener('abort', () => resolve(), { once: true })),
    })
    const waiting = scheduler.tick('Digest.send')
    await adapter.shutdown()
    await waiting
    expect(container.resolve(Digest).sent).toEqual([])
  })

  test('sees the failure of a run, and its own is logged like one', async () => {
    const lines = capturedLines('error')
    const seen = vi.fn()
    const { scheduler } = started({
      services: [Digest],
      around: ({ job }, run) => {
        if (job.handlerName === 'send') throw new Error('no lock')
        return run().catch(seen)
      },
    })
    await scheduler.tick('Digest.fail')
    expect(seen).toHaveBeenCalledWith(new Error('no mail'))
    await scheduler.tick('Digest.send')
    await scheduler.tick('Digest.send')
    expect(lines()).toMatchObject([
      { job: 'Digest.send', err: { message: 'no lock' } },
      { job: 'Digest.send', err: { message: 'no lock' } },
    ])
  })
})

describe('shutdown', () => {
  test('is not held by a run that does not come to its end', async () => {
    @Service()
    class Endless {
      @Cron('* * * * *') run() {
        return new Promise(() => {})
      }
    }
    const { adapter, scheduler } = started({ services: [Endless], shutdownTimeoutMs: 10 })
    void scheduler.tick('Endless.run')
    await adapter.shutdown()
  })

  test('stops all jobs and waits for the runs under way', async () => {
    const { open, opened } = gate()
    @Service()
    class Reports {
      done = false
      @Cron('* * * * *') async build() {
        await opened
        this.done = true
      }
      @Cron('* * * * *') other() {}
    }
    const { adapter, scheduler, container } = started({ services: [Reports] })
    const run = scheduler.tick('Reports.build')
    const down = adapter.shutdown().then(() => container.resolve(Reports).done)
    expect(scheduler.scheduled).toEqual([])
    open()
    expect(await down).toBe(true)
    await run
  })

  test('is harmless before the start and twice', async () => {
    const adapter = new CronAdapter({ services: [] })
    await adapter.shutdown()
    await adapter.shutdown()
  })
})

describe('on croner', () => {
  const start = (...services: CronAdapterOptions['services']) => {
    const adapter = new CronAdapter({ services })
    onTestFinished(() => adapter.shutdown())
    adapter.afterStart({ app: undefined, container: new Container() })
    return adapter
  }

  test('a job of every second runs by the clock on the wall', async () => {
    const { open, opened } = gate()
    @Service()
    class Ticks {
      @Cron('* * * * * *') tick = open
    }
    start(Ticks)
    await opened
  })

  test('jobs run at each of their times, in their zone, whether they fail or not, until shutdown', async () => {
    vi.useFakeTimers({ now: new Date('2026-03-01T05:59:58.500Z') })
    onTestFinished(() => void vi.useRealTimers())
    const ran: string[] = []
    @Service()
    class Times {
      @Cron('* * * * * *') second() {
        ran.push(`second ${new Date().toISOString().slice(11, 19)}`)
        throw new Error('and yet it runs')
      }
      @Cron('0 9 * * *', { timezone: 'Africa/Nairobi' }) morning() {
        ran.push('nine in Nairobi')
      }
    }
    const adapter = start(Times)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(ran.sort()).toEqual(['nine in Nairobi', 'second 05:59:59', 'second 06:00:00', 'second 06:00:01'])
    await adapter.shutdown()
    await vi.advanceTimersByTimeAsync(24 * 60 * 60 * 1_000)
    expect(ran).toHaveLength(4)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('each turn is called by its moment in the timetable, however late the process comes to it', async () => {
    vi.useFakeTimers({ now: new Date('2026-03-01T11:59:59.400Z') })
    onTestFinished(() => void vi.useRealTimers())
    @Service()
    class Reports {
      @Cron('*/5 * * * *', { timezone: 'Europe/Berlin' }) build() {}
    }
    const moments: string[] = []
    const adapter = new CronAdapter({
      services: [Reports],
      around: async ({ dueAt }) => void moments.push(dueAt.toISOString()),
    })
    onTestFinished(() => adapter.shutdown())
    adapter.afterStart({ app: undefined, container: new Container() })
    await vi.advanceTimersByTimeAsync(1_000)
    expect(moments).toEqual(['2026-03-01T12:00:00.000Z'])
    // The process is paused over the turns of 12:05 and 12:10, and wakes up.
    vi.setSystemTime(new Date('2026-03-01T12:13:20.700Z'))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(moments.slice(1)).toEqual(['2026-03-01T12:10:00.000Z'])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(moments.slice(2)).toEqual(['2026-03-01T12:15:00.000Z'])
  })

  test('an expression that is not valid fails the start by name', () => {
    @Service()
    class Wrong {
      @Cron('61 * * * *') never() {}
    }
    expect(() => start(Wrong)).toThrow(
      'Cannot schedule Wrong.never: CronPattern: Invalid value for minute: 61',
    )
  })

  test('a time zone that does not exist fails the start by name', () => {
    @Service()
    class Wrong {
      @Cron('* * * * *', { timezone: 'Mars/Olympus' }) never() {}
    }
    expect(() => start(Wrong)).toThrow(/^Cannot schedule Wrong\.never: .*'Mars\/Olympus'/)
  })
})

test('a start that fails stops what it had scheduled', () => {
  @Service()
  class Jobs {
    @Cron('* * * * *') good() {}
    @Cron('bad') bad() {}
  }
  const stop = vi.fn()
  const scheduler: CronScheduler = {
    schedule: ({ expression }) => {
      if (expression === 'bad') throw new Error('five fields, please')
      return { stop }
    },
  }
  expect(() => started({ services: [Jobs], scheduler })).toThrow(
    'Cannot schedule Jobs.bad: five fields, please',
  )
  expect(stop).toHaveBeenCalledTimes(1)
})
