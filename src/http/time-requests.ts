import type { RequestHandler } from 'express'
import type { Metrics } from '../metrics/metrics.js'

/** Measures each request, under the pattern of its route: a path would be another one for every id. */
export function timeRequests(metrics: Metrics): RequestHandler {
  return (req, res, next) => {
    const begun = performance.now()
    res.on('close', () => {
      // A stream lasts as long as somebody looks, and who left before his answer says nothing of us.
      if (!res.headersSent || res.get('content-type') === 'text/event-stream') return
      const route: unknown = req.route?.path
      const pattern = typeof route === 'string' ? route : 'none'
      metrics.requested(req.method, pattern, res.statusCode, performance.now() - begun)
    })
    next()
  }
}
