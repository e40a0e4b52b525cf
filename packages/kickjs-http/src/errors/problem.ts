import { STATUS_CODES } from 'node:http'
import type { HttpException } from '@forinda/kickjs-core'
import type { Request, Response } from 'express'
import { requestIdOf } from '../request/request-id.js'

/** Headers that a handler may have set for the answer it then could not give. */
const ofTheAnswer = ['Content-Disposition', 'Content-Encoding', 'ETag', 'Last-Modified', 'Location']

/** Answers with an error as `application/problem+json` (RFC 9457). */
export function sendProblem(error: HttpException, req: Request, res: Response): void {
  const { status, code, errors, retryAfterMs, details } = error
  for (const name of ofTheAnswer) res.removeHeader(name)
  if (retryAfterMs !== undefined) res.set('Retry-After', String(Math.ceil(retryAfterMs / 1000)))
  res
    .status(status)
    .set('Cache-Control', 'no-store')
    .set(error.headers)
    .type('application/problem+json')
    .json({
      ...details,
      success: false,
      type: `urn:problem:${code.toLowerCase().replaceAll('_', '-')}`,
      title: STATUS_CODES[status] ?? 'Error',
      status,
      code,
      detail: error.message,
      errors,
      requestId: requestIdOf(req),
      retryAfterMs,
    })
}
