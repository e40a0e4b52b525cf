import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sideBySide, type TestRoute, taken } from './side-by-side.js'

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const
const segments = ['tasks', 'TASKS', 'bulk', 'v1.0', 'a-b', ':id', ':id', ':taskId'] as const
/** What the index does not read. */
const patterns = ['*rest', ':id.json', ':from-:to', 'a%20b', 'x\\+y'] as const

const segment = fc.oneof(
  { arbitrary: fc.constantFrom(...segments), weight: 40 },
  { arbitrary: fc.constantFrom(...patterns), weight: 1 },
)
const path = fc.array(segment, { maxLength: 4 }).map(parts => `/${parts.join('/')}`)
const route: fc.Arbitrary<TestRoute> = fc.tuple(fc.constantFrom(...methods), path)

const asked = fc.constantFrom(
  'tasks',
  'Tasks',
  'bulk',
  'v1.0',
  'v1x0',
  'a-b',
  '7',
  '',
  '%37',
  'a%20b',
  '%zz',
  '%2f',
)
const odd = fc.constantFrom('*', '.', '..', ':id', 'é', 'x+y', '7.json', '1-2', '__proto__', 'constructor')
const target = fc
  .tuple(
    fc.array(fc.oneof({ arbitrary: asked, weight: 8 }, { arbitrary: odd, weight: 1 }), { maxLength: 5 }),
    fc.constantFrom('', '', '/', '//'),
    fc.constantFrom('', '', '?', '?a=%zz', '?a=/tasks', '#a'),
  )
  .map(([parts, slashes, rest]) => `/${parts.join('/')}${slashes}${rest}`)
const method = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'QUERY')

test('an index changes nothing about which request comes to which route', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(route, { minLength: 1, maxLength: 12 }),
      fc.array(fc.tuple(method, target), { minLength: 10, maxLength: 30 }),
      async (routes, requests) => {
        const ask = sideBySide(routes)
        for (const [method, url] of requests) {
          const { plain, indexed } = await ask(method, url)
          expect([method, url, indexed]).toEqual([method, url, plain])
        }
      },
    ),
    { numRuns: 400 },
  )
})

test('it takes what has no escapes, and leaves routes behind a pattern to Express', async () => {
  const ask = sideBySide([
    ['get', '/tasks/:id'],
    ['get', '/tasks/bulk'],
    ['get', '/:any/:thing'],
    ['get', '/files/*path'],
    ['get', '/late'],
  ])
  const isTaken = async (url: string) => {
    const before = taken.byIndex
    await ask('GET', url)
    return taken.byIndex > before
  }
  expect(await isTaken('/tasks/7')).toBe(true)
  expect(await isTaken('/Tasks/bulk/?x=1')).toBe(true)
  expect(await isTaken('/a/b')).toBe(true)
  expect(await isTaken('/tasks/%37')).toBe(false)
  expect(await isTaken('/late')).toBe(false)
})
