import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Request, RequestHandler } from 'express'
import helmet from 'helmet'

const EXPOSED =
  'Location, ETag, Retry-After, X-Request-Id, Idempotency-Replayed, Content-Disposition, Content-Range'
const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE'
const HEADERS =
  'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, If-Range, Last-Event-ID, Range, X-Origin-Id, X-Request-Id'
const PREFLIGHT_SECONDS = '600'

/** What browsers are told of an API with a few pages of its own: nothing from elsewhere, no frames, no caching. */
export function securityHeaders(): RequestHandler {
  const headers = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        imgSrc: ["'self'", 'https:', 'data:'],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    xFrameOptions: { action: 'deny' },
  })
  // None of them depends on the request, so that helmet need not be asked for each.
  const given = new GivenHeaders(new IncomingMessage(new Socket()))
  headers(given.req, given, () => {})
  // Answers depend on who asks; a route whose answer may be kept says so itself.
  given.setHeader('Cache-Control', 'no-store')
  return (_req, res, next) => {
    for (const [name, value] of given.headers) res.setHeader(name, value)
    next()
  }
}

/** Remembers the headers that it was given, in lower case: else Node makes that of each name for each answer. */
class GivenHeaders extends ServerResponse {
  readonly headers = new Map<string, string>()

  override setHeader(name: string, value: string): this {
    this.headers.set(name.toLowerCase(), value)
    return this
  }
}

/** Lets pages of the given origins call the API with credentials. Others, and all when none is given, get no permission. */
export function cors(origins: readonly string[]): RequestHandler {
  const allowed = new Set(origins.map(origin => new URL(origin).origin))
  return (req, res, next) => {
    if (allowed.size === 0) return next()
    res.vary('Origin')
    const { origin } = req.headers
    if (origin === undefined || !allowed.has(origin)) return next()
    res.set({ 'Access-Control-Allow-Origin': origin, 'Access-Control-Allow-Credentials': 'true' })
    if (!isPreflight(req)) {
      res.set('Access-Control-Expose-Headers', EXPOSED)
      return next()
    }
    res.set({
      'Access-Control-Allow-Methods': METHODS,
      'Access-Control-Allow-Headers': HEADERS,
      'Access-Control-Max-Age': PREFLIGHT_SECONDS,
    })
    res.status(204).end()
  }
}

function isPreflight(req: Request): boolean {
  return req.method === 'OPTIONS' && req.headers['access-control-request-method'] !== undefined
}
