import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { routesOf } from '@forinda/kickjs-core'
import { describe, expect, test } from 'vitest'
import { controllers, serviceControllers } from '../src/app.js'
import { loadConfig } from '../src/config.js'
import { errorTable } from '../src/errors.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const textOf = (file: string) => readFileSync(join(root, file), 'utf8')

const documents = ['README.md', ...readdirSync(join(root, 'docs')).map(name => join('docs', name))]
const variables = [...textOf('src/config.ts').matchAll(/^ {2}([A-Z\d_]+): /gm)].map(([, name = '']) => name)

function missingFrom(file: string, wanted: readonly string[]): string[] {
  const text = textOf(file)
  return wanted.filter(phrase => !text.includes(`\`${phrase}\``))
}

describe('docs/protocol.md', () => {
  const file = 'docs/protocol.md'

  test('has every route', () => {
    const routes = [...controllers, ...serviceControllers].flatMap(controller =>
      routesOf(controller).map(({ method, path }) => `${method.toUpperCase()} ${path}`),
    )
    expect(routes.length).toBeGreaterThan(50)
    expect(missingFrom(file, routes)).toEqual([])
  })

  test('has no route that is not there', () => {
    const known = new Set(
      [...controllers, ...serviceControllers].flatMap(controller =>
        routesOf(controller).map(({ method, path }) => `${method.toUpperCase()} ${path}`),
      ),
    )
    const told = [...textOf(file).matchAll(/`((?:GET|POST|PUT|PATCH|DELETE) \/[\w:/.-]+)`/g)].map(
      ([, route = '']) => route,
    )
    expect(told.filter(route => !known.has(route))).toEqual([])
  })

  test('has every error code', () => {
    expect(missingFrom(file, Object.keys(errorTable))).toEqual([])
  })

  test('has every event of the chat, both ways', () => {
    const heard = [...textOf('src/modules/chat/chat.controller.ts').matchAll(/@OnMessage\('([^']+)'/g)]
    const told = [...textOf('src/modules/chat/chat.contract.ts').matchAll(/^ {2}'?([\w:]+)'?: \(\n?/gm)]
    const events = [...heard, ...told].map(([, event = '']) => event)
    expect(events.length).toBeGreaterThan(20)
    expect(missingFrom(file, events)).toEqual([])
  })
})

describe('the settings', () => {
  test.each(['README.md', 'docs/operations.md'])('are all in %s', file => {
    expect(variables.length).toBeGreaterThan(10)
    expect(missingFrom(file, variables)).toEqual([])
  })

  test('are all in .env.example, at their defaults', () => {
    const example = parseEnv(textOf('.env.example'))
    expect(Object.keys(example).sort()).toEqual([...variables].sort())
    expect(loadConfig(example)).toEqual(loadConfig({}))
  })
})

test.each(documents)('%s names files that are there', file => {
  const named = [...textOf(file).matchAll(/`([\w./-]+\.(?:m?ts|mjs))`/g)].map(([, name = '']) => name)
  const known = ['src', 'test', 'packages', 'chaos'].flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter(path => !/node_modules|dist/.test(path))
      .map(path => `${folder}/${path}`),
  )
  // `chat.mjs` is what the reader is asked to make.
  const missing = named.filter(
    name => name !== 'chat.mjs' && !known.some(path => `/${path}`.endsWith(`/${name}`)),
  )
  expect(missing).toEqual([])
})

test.each(documents)('%s links to what is there', file => {
  const targets = [...textOf(file).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, target = '']) => target)
  const broken = targets.filter(
    target => !/^https?:/.test(target) && !existsSync(join(root, dirname(file), target)),
  )
  expect(broken).toEqual([])
})
