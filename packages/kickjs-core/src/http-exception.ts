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
  /** Response headers that belong to the error, such as `WWW-Authenticate`. */
  headers?: Readonly<Record<string, string>>
  /** For 429 and 503: how long to wait before the next try, in milliseconds. */
  retryAfterMs?: number
  /** What a client can act upon, as further members of the problem document (RFC 9457) or of the error ack. */
  details?: Readonly<Record<string, unknown>>
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
  readonly details: Readonly<Record<string, unknown>>

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
    this.details = options.details ?? {}
  }

  static badRequest = named('BAD_REQUEST')
  static unauthorized = named('UNAUTHORIZED')
  static forbidden = named('FORBIDDEN')
  static notFound = named('NOT_FOUND')
  static conflict = named('CONFLICT')
  static gone = named('GONE')
  static preconditionFailed = named('PRECONDITION_FAILED')
  static payloadTooLarge = named('PAYLOAD_TOO_LARGE')
  static unsupportedMediaType = named('UNSUPPORTED_MEDIA_TYPE')
  static unprocessable = named('UNPROCESSABLE_ENTITY')
  static tooManyRequests = named('TOO_MANY_REQUESTS')
  static internal = named('INTERNAL_SERVER_ERROR')
  static serviceUnavailable = named('SERVICE_UNAVAILABLE')

  /** A 422 `VALIDATION_ERROR` that lists what a schema found wrong, each with its path in dots. */
  static fromZodError(error: SchemaError, message = 'Validation failed'): HttpException {
    const errors = error.issues.map(issue => ({
      path: issue.path.map(String).join('.'),
      message: issue.message,
    }))
    return HttpException.unprocessable(message, { code: 'VALIDATION_ERROR', errors, cause: error })
  }
}

interface SchemaError {
  issues: readonly { path: readonly PropertyKey[]; message: string }[]
}

/** Makes a named constructor whose default message is the status in words: `Not Found`. */
function named(name: keyof typeof HttpStatus) {
  const words = name.split('_').map(word => word.charAt(0) + word.slice(1).toLowerCase())
  return (message: string = words.join(' '), options?: HttpExceptionOptions) =>
    new HttpException(HttpStatus[name], message, options)
}

function codeOf(status: number): string {
  const known = Object.entries(HttpStatus).find(([, value]) => value === status)
  return known ? known[0] : `HTTP_${status}`
}
