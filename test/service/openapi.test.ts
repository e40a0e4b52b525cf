import { createHash } from 'node:crypto'
import { routesOf } from '@forinda/kickjs-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { controllers, serviceControllers } from '../../src/app.js'
import { errorTable } from '../../src/errors.js'
import { Public } from '../../src/http/route-flags.js'
import type { OpenapiDocument } from '../../src/modules/openapi/openapi.service.js'
import { startApp, type TestApp } from '../support/app.js'

let app: TestApp
let document: OpenapiDocument

beforeAll(async () => {
  app = await startApp()
  document = await (await fetch(`${app.origin}/openapi.json`)).json()
})
afterAll(() => app.stop())

/** Every route there is, as the document should have it. */
const mounted = [
  ...controllers.map(controller => ({ controller, prefix: '/api/v1' })),
  ...serviceControllers.map(controller => ({ controller, prefix: '' })),
].flatMap(({ controller, prefix }) =>
  routesOf(controller).map(route => ({
    ...route,
    controller,
    documented: `${prefix}${route.path.replace(/:(\w+)/g, '{$1}')}`,
  })),
)

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )

describe('openapi.json', () => {
  test('has every route that is mounted, and no other', () => {
    const described = operations().map(({ path, method }) => `${method} ${path}`)
    expect(described.sort()).toEqual(
      mounted.map(({ method, documented }) => `${method} ${documented}`).sort(),
    )
  })

  test('has each parameter of a path, and no operation id twice', () => {
    const ids = operations().flatMap(({ operation }) => operation.operationId ?? [])
    expect(new Set(ids).size).toBe(ids.length)
    for (const { path, operation } of operations()) {
      const inPath = operation.parameters.flatMap(parameter =>
        'in' in parameter && parameter.in === 'path' ? parameter.name : [],
      )
      expect(inPath, path).toEqual([...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name))
    }
  })

  test('says of each route whether it needs a user', () => {
    for (const { controller, handler, method, documented } of mounted) {
      const operation = document.paths[documented]?.[method]
      const isPublic = Public.of(controller, handler) === true
      expect(operation?.security.length === 0, documented).toBe(isPublic)
    }
  })

  test('describes a list with its parameters, its envelope and its meta', () => {
    const list = document.paths['/api/v1/projects/{projectId}/tasks']?.get
    expect(list?.operationId).toBe('listTasks')
    expect(list?.parameters).toContainEqual({
      name: 'limit',
      in: 'query',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 100, default: 50 },
    })
    expect(list?.responses[200]).toMatchObject({
      content: {
        'application/json': {
          schema: {
            properties: {
              success: { const: true },
              data: { type: 'array', items: { properties: { key: { type: 'string' } } } },
              meta: { $ref: '#/components/schemas/PageMeta' },
            },
          },
        },
      },
    })
  })

  test('describes a body as it is sent', () => {
    const create = document.paths['/api/v1/projects/{projectId}/tasks']?.post
    expect(create?.requestBody?.content['application/json']?.schema).toMatchObject({
      required: ['title'],
      additionalProperties: false,
      properties: { title: { type: 'string', maxLength: 500 } },
    })
    expect(create?.parameters).toContainEqual({ $ref: '#/components/parameters/IdempotencyKey' })
  })

  test('describes a stream as one, with a ticket to open it', () => {
    const live = document.paths['/api/v1/workspaces/{workspaceId}/stats/live']?.get
    expect(live?.security).toContainEqual({ ticket: [] })
    expect(Object.keys(live?.responses[200] ?? {})).toContain('content')
    expect(live?.responses[200]).toMatchObject({ content: { 'text/event-stream': {} } })
  })

  test('refers to nothing that it does not have', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path)
    expect(references.length).toBeGreaterThan(0)
    for (const reference of new Set(references)) {
      const found = reference
        ?.split('/')
        .reduce<unknown>((at, name) => Reflect.get(Object(at), name), document)
      expect(found, reference).toBeDefined()
    }
  })
})

describe('the page of the documentation', () => {
  test('shows every operation and every error code, and runs nothing', async () => {
    const response = await fetch(`${app.origin}/docs`)
    const page = await response.text()
    expect(response.headers.get('content-type')).toContain('text/html')
    for (const { path } of operations()) expect(page).toContain(`<code>${path}</code>`)
    for (const code of Object.keys(errorTable)) expect(page).toContain(code)
    expect(page).not.toContain('<script')
    const style = /<style>(.*?)<\/style>/s.exec(page)?.[1] ?? ''
    const hash = createHash('sha256').update(style).digest('base64')
    const policy = `default-src 'none'; style-src 'sha256-${hash}';`
    expect(response.headers.get('content-security-policy')).toContain(policy)
  })
})
