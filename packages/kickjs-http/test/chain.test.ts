import express, { type RequestHandler, type Response } from 'express'
import { expect, test } from 'vitest'
import { joinSteps } from '../src/routing/chain.js'

const steps: string[] = []
const pass =
  (name: string): RequestHandler =>
  (_req, _res, next) => {
    steps.push(name)
    next()
  }
const fail =
  (error: unknown): RequestHandler =>
  () => {
    throw error
  }
const router = express.Router().get('/', pass('router'))
/** Express knows handlers of errors by how many arguments they take. */
const mend: RequestHandler = Object.defineProperty(
  (...given: unknown[]) => {
    steps.push('mended')
    const next = given.at(-1)
    if (typeof next === 'function') next()
  },
  'length',
  { value: 4 },
)

/** What runs, and what comes out at the end. */
function run(handlers: RequestHandler[]): Promise<unknown[]> {
  steps.length = 0
  const app = express.Router()
  for (const handler of handlers) app.use(handler)
  const req = Object.assign(Object.create(express.request), { method: 'GET', url: '/' })
  const res: Response = Object.create(null)
  return new Promise(resolve => app(req, res, (error?: unknown) => resolve([...steps, String(error)])))
}

const passes = (error: unknown): RequestHandler => {
  return (_req, _res, next) => next(error)
}
const catches: RequestHandler = (_req, _res, next) => {
  try {
    next()
  } catch {
    steps.push('caught')
  }
}

test.each<[string, RequestHandler[]]>([
  ['all pass', [pass('a'), pass('b'), pass('c')]],
  ['none', []],
  ['one throws', [pass('a'), fail('no'), pass('b')]],
  ['one throws nothing', [pass('a'), fail(undefined), pass('b')]],
  ['one throws beneath another that would catch', [catches, fail('no'), pass('b')]],
  ['one rejects', [pass('a'), async () => Promise.reject('no'), pass('b')]],
  ['one rejects with nothing', [async () => Promise.reject(), pass('b')]],
  ['one passes an error', [pass('a'), passes('no'), pass('b')]],
  ['one leaves its route', [passes('route'), pass('b')]],
  ['one leaves its router', [passes('router'), pass('b')]],
  ['one passes later', [(_req, _res, next) => void setImmediate(next), pass('b')]],
  ['a router between', [pass('a'), router, pass('b')]],
  ['a handler of errors between', [pass('a'), fail('no'), pass('b'), mend, pass('c')]],
  ['a handler of errors without an error', [pass('a'), mend, pass('c')]],
])('joined middleware runs as Express would run it: %s', async (_name, handlers) => {
  const separate = await run(handlers)
  expect(await run(joinSteps(handlers))).toEqual(separate)
})

test('routers stay where their routes can be found', () => {
  expect(joinSteps([pass('a'), pass('b'), router, pass('c')])).toHaveLength(3)
  expect(joinSteps([router])).toEqual([router])
})
