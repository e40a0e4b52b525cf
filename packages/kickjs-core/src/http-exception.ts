import { HttpStatus } from './http-status.js'

/** One thing wrong with an input: where (`body.title`) and what. */
export interface FieldError {
  path: string
  message: string
}

export interface HttpExceptionOptions extends ErrorOptions {
  /** Machine-readable code of the error; the name of the status when left out. */
  code?: string
  /** The fields at fault, for a 4xx about input. */
  errors?: readonly FieldError[]
  /** Response headers that belong to the error, such as `Retry-After`. */
  headers?: Readonly<Record<string, string>>
  /** For 429 and 503: how long to wait before the next try, in milliseconds. */
  retryAfterMs?: number
}

/**
 * An error with an HTTP status, a code and, for input errors, the fields at fault.
 * Thrown by a handler it becomes the response (HTTP) or the error ack (sockets).
 *
 * @example throw HttpException.notFound('No such task', { code: 'TASK_NOT_FOUND' })
 */
export class HttpException extends Error {
  readonly code: string
  readonly errors: readonly FieldError[] | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly retryAfterMs: number | undefined

  constructor(
    readonly status: number,
    message: string,
    options: HttpExceptionOptions = {},
  ) {
    super(message, options)
    this.name = 'HttpException'
    this.code = options.code ?? codeOf(status)
    this.errors = options.errors
    this.headers = options.headers ?? {}
    this.retryAfterMs = options.retryAfterMs
  }

  static badRequest = named(HttpStatus.BAD_REQUEST, 'Bad request')
  static unauthorized = named(HttpStatus.UNAUTHORIZED, 'Not signed in')
  static forbidden = named(HttpStatus.FORBIDDEN, 'Not allowed')
  static notFound = named(HttpStatus.NOT_FOUND, 'Not found')
  static conflict = named(HttpStatus.CONFLICT, 'Conflict')
  static gone = named(HttpStatus.GONE, 'Gone')
  static preconditionFailed = named(HttpStatus.PRECONDITION_FAILED, 'Precondition failed')
  static payloadTooLarge = named(HttpStatus.PAYLOAD_TOO_LARGE, 'Payload too large')
  static unsupportedMediaType = named(HttpStatus.UNSUPPORTED_MEDIA_TYPE, 'Unsupported media type')
  static unprocessable = named(HttpStatus.UNPROCESSABLE_ENTITY, 'Unprocessable input')
  static tooManyRequests = named(HttpStatus.TOO_MANY_REQUESTS, 'Too many requests')
  static internal = named(HttpStatus.INTERNAL_SERVER_ERROR, 'Internal server error')
  static serviceUnavailable = named(HttpStatus.SERVICE_UNAVAILABLE, 'Service unavailable')
}

function named(status: HttpStatus, fallback: string) {
  return (message: string = fallback, options?: HttpExceptionOptions) =>
    new HttpException(status, message, options)
}

function codeOf(status: number): string {
  const known = Object.entries(HttpStatus).find(([, value]) => value === status)
  return known ? known[0] : `HTTP_${status}`
}
