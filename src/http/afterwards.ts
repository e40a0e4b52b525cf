import { Logger, Service } from '@forinda/kickjs-core'
import type { Response } from 'express'

const logger = Logger.for('Afterwards')

/** Work that a request leads to but whose answer does not wait for it. */
@Service()
export class Afterwards {
  private readonly underWay = new Set<Promise<void>>()

  /** Begins `work` once the answer has gone out, or the client has left. Its failure is logged. */
  run(res: Response, work: () => Promise<void>): void {
    const task = closeOf(res)
      .then(work)
      .catch(error => logger.error({ err: error }, 'work after an answer failed'))
      .finally(() => this.underWay.delete(task))
    this.underWay.add(task)
  }

  /** Resolves when all that was begun is done. To be called when no more requests come. */
  async finish(): Promise<void> {
    await Promise.all(this.underWay)
  }
}

function closeOf(res: Response): Promise<void> {
  return new Promise(resolve => {
    if (res.closed) resolve()
    else res.once('close', resolve)
  })
}
