import { HttpException, Logger } from '@forinda/kickjs-core'
import type { NextFunction, Request, Response } from 'express'
import { requestIdOf } from '../request/request-id.js'
import { runtimeOf } from '../runtime.js'
import { sendProblem } from './problem.js'

const logger = Logger.for('Http')

/**
 * The one place where a throw becomes an answer. An `HttpException` says what to answer; whatever
 * else is thrown is logged in full and answered with a 500 that tells nothing.
 */
export function handleError(error: unknown, req: Request, res: Response, _next: NextFunction): void {
  const context = { err: error, requestId: requestIdOf(req), method: req.method, path: pathOf(req) }
  if (req.destroyed && !req.complete) {
    logger.debug(context, 'The client went away while it sent the request')
    return
  }
  const exception = toException(runtimeOf(req).translateError(error))
  if (exception.status === 503) logger.warn(context, 'A request could not be served now')
  else if (exception.status >= 500 || res.headersSent) logger.error(context, 'A request failed')
  if (!res.headersSent) sendProblem(exception, req, res)
  else if (!res.writableEnded) res.destroy()
}

/** Without the query string, where tickets travel. */
function pathOf(req: Request): string {
  return req.originalUrl.replace(/\?.*/s, '')
}

function toException(error: unknown): HttpException {
  if (error instanceof HttpException) return error
  if (!isClientError(error)) return HttpException.internal('Something went wrong on our side')
  if (error.type === 'entity.parse.failed') {
    return HttpException.badRequest('The body is not valid JSON', { code: 'MALFORMED_JSON' })
  }
  return new HttpException(error.status, error.message)
}

/** An error that Express or its body parser made for the caller to see. */
function isClientError(error: unknown): error is Error & { status: number; type?: unknown } {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return false
  const exposed = ('expose' in error && error.expose === true) || error instanceof URIError
  return exposed && error.status >= 400 && error.status < 500
}
