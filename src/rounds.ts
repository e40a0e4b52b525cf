import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '@forinda/kickjs-core'

export interface RoundsOptions {
  /** How long it waits at most for being woken, in milliseconds. */
  everyMs: number
  /** How long it rests after a round, so that what wakes it in a flood is worked off together. */
  restMs?: number
  logger: Pick<ReturnType<typeof Logger.for>, 'warn'>
}

/** How long the end waits for the round under way, in milliseconds. */
const STOP_LIMIT_MS = 1_000

/**
 * Work that comes in rounds, one at a time: soon after it was woken, and every so often in any case. It
 * runs by itself, apart from whatever request woke it. A round that fails is logged, and comes again.
 */
export class Rounds {
  private isWoken = false
  private isStopped = false
  private wakeUp: () => void = () => {}
  private running: Promise<void> | undefined

  constructor(
    private readonly round: () => Promise<void>,
    private readonly options: RoundsOptions,
  ) {}

  start(): void {
    this.running ??= this.run()
  }

  /** Has a round begin soon, which takes in whatever happened until now. */
  wake(): void {
    this.isWoken = true
    this.wakeUp()
  }

  /** No more rounds; resolves when the last one is over, or after a second. */
  async stop(): Promise<void> {
    this.isStopped = true
    this.wake()
    await Promise.race([this.running, delay(STOP_LIMIT_MS, undefined, { ref: false })])
  }

  private async run() {
    const { everyMs, restMs = 0, logger } = this.options
    while (!this.isStopped) {
      this.isWoken = false
      try {
        await this.round()
      } catch (error) {
        logger.warn({ err: error }, 'a round failed; trying again')
        this.isWoken = false
      }
      await delay(restMs, undefined, { ref: false })
      if (!this.isWoken) await this.untilWoken(everyMs)
    }
  }

  private untilWoken(milliseconds: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, milliseconds).unref()
      this.wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
