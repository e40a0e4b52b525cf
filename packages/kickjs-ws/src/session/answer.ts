import { type FieldError, HttpException } from '@forinda/kickjs-core'

/** What a client is told of a failure: in the ack, or as event `error` with the `event` that failed. */
export interface WsError {
  code: string
  message: string
  /** For `VALIDATION_ERROR`: each field at fault. */
  errors?: readonly FieldError[]
  /** For `RATE_LIMITED` and the like: how long to wait, in milliseconds. */
  retryAfterMs?: number
  /** The `details` of an `HttpException`. */
  [detail: string]: unknown
}

/** What the ack of every client event carries. */
export type Ack<Data = unknown> = { ok: true; data: Data } | { ok: false; error: WsError }

/** The client's view of anything thrown: an `HttpException` as it is, of all else nothing but that it failed. */
export function toWsError(error: unknown): WsError {
  const { code, message, errors, retryAfterMs, details } =
    error instanceof HttpException ? error : HttpException.internal()
  return {
    ...details,
    code,
    message,
    ...(errors && { errors }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  }
}

/** Whether a failure is the server's own and belongs in the log. */
export function isServerFault(error: unknown): boolean {
  return !(error instanceof HttpException) || error.status >= 500
}

/** Whether a failure is the state of things, such as a database that is away, and not a mistake. */
export function isPassing(error: unknown): boolean {
  return error instanceof HttpException && error.status === 503
}

export function unknownEvent(): HttpException {
  return HttpException.notFound('There is no such event', { code: 'UNKNOWN_EVENT' })
}

export function payloadTooLarge(): HttpException {
  return HttpException.payloadTooLarge('The frame is too large', { code: 'PAYLOAD_TOO_LARGE' })
}

export function invalid(errors: readonly FieldError[]): HttpException {
  return HttpException.unprocessable('The payload is not valid', { code: 'VALIDATION_ERROR', errors })
}

export function tooManyWaiting(): HttpException {
  const message = 'Too many events are waiting'
  return HttpException.tooManyRequests(message, { code: 'RATE_LIMITED', retryAfterMs: 1_000 })
}

export function shuttingDown(): HttpException {
  const message = 'The server is shutting down'
  return HttpException.serviceUnavailable(message, { code: 'SERVICE_UNAVAILABLE', retryAfterMs: 1_000 })
}
