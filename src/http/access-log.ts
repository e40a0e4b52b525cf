import { Logger } from '@forinda/kickjs-core'
import type { NextFunction, Request, Response } from 'express'

const logger = Logger.for('Access')

/** The client left before it was answered; nobody sees this status but the log. */
const CLIENT_LEFT = 499

/**
 * One line for each request when it is over: info, for health checks and metrics debug. Paths are logged without
 * their query, which may hold a ticket.
 */
export function accessLog(req: Request, res: Response, next: NextFunction): void {
  const begun = performance.now()
  res.on('close', () => {
    const [path = ''] = req.originalUrl.split('?')
    const line = {
      method: req.method,
      path,
      status: res.headersSent ? res.statusCode : CLIENT_LEFT,
      ms: Math.round(performance.now() - begun),
      requestId: req.headers['x-request-id'],
      userId: res.locals.userId,
    }
    if (path.startsWith('/health/') || path === '/metrics') logger.debug(line, 'request')
    else logger.info(line, 'request')
  })
  next()
}
