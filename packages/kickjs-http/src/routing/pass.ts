import { Logger, type RequestHandler } from '@forinda/kickjs-core'
import type { RequestContext } from '../request/context.js'

const logger = Logger.for('Middleware')

/**
 * Runs `(ctx, next)` and resolves once it calls `next()`. One that answers by itself never does, and
 * with it the request ends here. Rejects with what it throws or passes to `next`.
 */
export function pass(handler: RequestHandler, ctx: RequestContext): Promise<void> {
  return new Promise((resolve, reject) => {
    let passed = false
    const next = (error?: unknown) => {
      passed = true
      if (error) reject(error)
      else resolve()
    }
    const run = async () => handler(ctx, next)
    run().catch(error => {
      if (!passed) return reject(error)
      logger.error({ err: error, requestId: ctx.requestId }, 'Middleware failed after it had called next()')
    })
  })
}
