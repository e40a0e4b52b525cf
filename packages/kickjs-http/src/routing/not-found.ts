import { HttpException } from '@forinda/kickjs-core'
import express, { type Request, type RequestHandler, type Router } from 'express'

declare module 'express-serve-static-core' {
  interface IRouter {
    /** Not in the published types yet. `methods` is missing for a nested router. */
    listRoutes(): { path: PathParams; methods?: string[]; router?: Router }[]
  }
}

/**
 * Answers what no route took: 405 with `Allow` where the path is known with other methods, 204 with
 * `Allow` for OPTIONS, otherwise 404. It knows the routes that the router has by now.
 */
export function notFound(router: Router): RequestHandler[] {
  const allowed = new WeakMap<Request, Set<string>>()
  const note =
    (methods: string[]): RequestHandler =>
    (req, _res, next) => {
      allowed.set(req, new Set([...(allowed.get(req) ?? []), ...methods]))
      next()
    }
  return [
    mirror(router, note),
    (req, res) => {
      const methods = allowed.get(req)
      if (!methods) throw HttpException.notFound('No such route', { code: 'ROUTE_NOT_FOUND' })
      const headers = { Allow: [...methods].join(', ') }
      if (req.method !== 'OPTIONS')
        throw new HttpException(405, `This route does not take ${req.method}`, { headers })
      res.set(headers).status(204).end()
    },
  ]
}

/** The same paths, but each takes every method, to note those that it really has. */
function mirror(router: Router, note: (methods: string[]) => RequestHandler): Router {
  const copy = express.Router()
  for (const { path, methods, router: nested } of router.listRoutes()) {
    if (nested) copy.use(path, mirror(nested, note))
    else if (methods) copy.all(path, note(methods))
  }
  return copy
}
