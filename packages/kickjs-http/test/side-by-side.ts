import type { HttpMethod } from '@forinda/kickjs-core'
import express, { type Response, type Router } from 'express'
import { RouteIndex } from '../src/routing/route-index.js'

export type TestRoute = readonly [method: HttpMethod, path: string]

/** How many of the requests the index has taken. */
export const taken = { byIndex: 0 }

/** Express' router with these routes, alone and behind an index of them: asks both for what becomes of a request. */
export function sideBySide(routes: readonly TestRoute[]) {
  const index = new RouteIndex()
  const plain = express.Router()
  const indexed = express.Router().use(index.handler)
  for (const [number, [method, path]] of routes.entries()) {
    const answer: express.RequestHandler = ({ params, route, baseUrl }, { locals }) => {
      locals.settle({ number, params: { ...params }, pattern: route.path, baseUrl })
    }
    plain.route(path)[method](answer)
    const route = indexed.route(path)[method](answer)
    index.add(method, route, (req, res, next) => {
      taken.byIndex += 1
      return answer(req, res, next)
    })
  }
  return async (method: string, url: string) => ({
    plain: await outcomeOf(plain, method, url),
    indexed: await outcomeOf(indexed, method, url),
  })
}

function outcomeOf(router: Router, method: string, url: string): Promise<unknown> {
  return new Promise(settle => {
    const req = Object.assign(Object.create(express.request), { method, url })
    const allow = (name: string, value: string) => name === 'Allow' && settle(value)
    const res: Response = Object.assign(Object.create(null), {
      locals: { settle },
      setHeader: allow,
      end() {},
    })
    const passOn = (error?: unknown) => settle(error ? (Object(error).status ?? String(error)) : 'passed on')
    router(req, res, passOn)
  })
}
