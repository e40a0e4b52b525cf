import type { RouteInterceptor } from '@forinda/kickjs-http'
import { invalid } from '../errors.js'

/** Who sends fields to a route that takes none, believes that they do something. */
export const refuseUnexpectedBody: RouteInterceptor = async ({ body }, { method, schemas }, next) => {
  if (method !== 'get' && !schemas.body && !isEmpty(body)) throw invalid('body', 'This route takes no body')
  return next()
}

function isEmpty(body: unknown): boolean {
  return body === undefined || Object.keys(Object(body)).length === 0
}
