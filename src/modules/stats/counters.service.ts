import { Autowired, Logger, PostConstruct, Service } from '@forinda/kickjs-core'
import { type Count, Metrics } from '../../metrics/metrics.js'
import { CountersRepository, counters, type Drift } from './counters.repository.js'

const PAGE = 1_000
/** The most counters that one line of the log names. */
const MOST_NAMED = 100

const logger = Logger.for('Counters')

/** Looks after the counters of the statistics, which nothing should ever put wrong. */
@Service()
export class CountersService {
  @Autowired(CountersRepository) private stored!: CountersRepository
  @Autowired(Metrics) private metrics!: Metrics
  private mended: Count = () => {}

  @PostConstruct()
  measure(): void {
    const help = 'Counters of the statistics that differed from a recount, and were mended'
    this.mended = this.metrics.counter('counters_mended_total', help, 'counter', counters)
  }

  /**
   * Compares the counters with a recount, a project at a time, sets right what differs, and tells of it. For
   * the timetable.
   * @returns how many differed
   */
  async mend(): Promise<number> {
    let mended = 0
    for (let page = await this.stored.projectsAfter(undefined, PAGE); page.length > 0; ) {
      for (const projectId of page) {
        const drifts = await this.stored.mend(projectId)
        this.report(projectId, drifts)
        mended += drifts.length
        await this.stored.removeEmptyDays(projectId)
      }
      page = await this.stored.projectsAfter(page.at(-1), PAGE)
    }
    return mended
  }

  private report(projectId: string, drifts: readonly Drift[]) {
    if (drifts.length === 0) return
    for (const { counter } of drifts) this.mended(counter)
    const wrong = drifts.slice(0, MOST_NAMED)
    logger.error(
      { projectId, wrong, count: drifts.length },
      'counters differed from a recount, and were mended',
    )
  }
}
