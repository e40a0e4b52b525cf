import { routesOf } from '@forinda/kickjs-core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sideBySide, taken } from '../packages/kickjs-http/test/side-by-side.js'
import { controllers, serviceControllers } from '../src/app.js'

const routes = [
  ...controllers.flatMap(routesOf).map(({ method, path }) => [method, `/api/v1${path}`] as const),
  ...serviceControllers.flatMap(routesOf).map(({ method, path }) => [method, path] as const),
]
const ask = sideBySide(routes)

test('each route is found by its segments, and none takes the requests of another', async () => {
  for (const [method, path] of routes) {
    const before = taken.byIndex
    const url = path.replace(/:\w+/g, '0197-x')
    const { plain, indexed } = await ask(method.toUpperCase(), url)
    expect(indexed).toMatchObject({ pattern: path })
    expect([indexed, taken.byIndex]).toEqual([plain, before + 1])
  }
})

test('a path that is nearly one of ours comes to where Express brings it', async () => {
  const words = [...new Set(routes.flatMap(([, path]) => path.split('/')))].filter(
    word => !word.startsWith(':'),
  )
  const changed = fc
    .tuple(
      fc.constantFrom(...routes),
      fc.array(fc.tuple(fc.nat(9), fc.constantFrom(...words, '7', '', '%20', '%', 'ME')), { maxLength: 3 }),
      fc.constantFrom('', '', '/', '?a=b'),
      fc.boolean(),
    )
    .map(([[, path], changes, rest, isUpper]) => {
      const parts = path.split('/').map(part => part.replace(/^:/, ''))
      for (const [at, word] of changes) parts[1 + (at % parts.length)] = word
      const url = parts.join('/') + rest
      return isUpper ? url.toUpperCase() : url
    })
  const method = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS')
  await fc.assert(
    fc.asyncProperty(method, changed, async (method, url) => {
      const { plain, indexed } = await ask(method, url)
      expect([url, indexed]).toEqual([url, plain])
    }),
    { numRuns: 1_000 },
  )
})
