import { createServer, IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Express } from 'express'

/**
 * An HTTP server that serves an Express app several times faster than `createServer(app)` does.
 *
 * For each request Express calls `Object.setPrototypeOf(req, app.request)` and the same for `res`.
 * V8 then gives up what it knew about these objects and all later property reads on them are slow.
 * Here Node constructs requests and responses of classes whose prototypes *are* `app.request` and
 * `app.response`, so that there is nothing left to change. Both keep Express' own objects on their
 * chain: methods, getters and `instanceof` work as before.
 *
 * It holds for one app: an Express app mounted inside another still gets its prototypes swapped.
 */
export function createStableServer(app: Express): Server {
  class AppRequest extends IncomingMessage {}
  class AppResponse extends ServerResponse<AppRequest> {}
  app.request = Object.setPrototypeOf(AppRequest.prototype, app.request)
  app.response = Object.setPrototypeOf(AppResponse.prototype, app.response)
  return createServer({ IncomingMessage: AppRequest, ServerResponse: AppResponse }, app)
}
