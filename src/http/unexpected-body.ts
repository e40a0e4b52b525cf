import type { RouteInterceptor } from '@forinda/kickjs-http'
import { invalid } from '../errors.js'

/** Who sends fields to a route that takes none, believes that they do something. */
export const refuseUnexpectedBody: RouteInterceptor = async ({ body }, { method, schemas }, next) => {
  const isEmpty = body === undefined || Object.keys(Object(body)).length === 0
  if (method !== 'get' && !schemas.body && !isEmpty) throw invalid('body', 'This route takes no body')
  await next()
}
