import { type Class, type RouteSchemas, routesOf } from '@forinda/kickjs-core'
import { declarationsOf } from '@forinda/kickjs-ws'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { controllers, serviceControllers, socketControllers } from '../../src/app.js'
import { setOperator } from '../../src/db/set-operator.js'
import { isRaw } from '../../src/http/raw-contract.js'
import { type Answer, Api } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { connectChat } from '../support/chat.js'
import { type EventRow, events, privateEvents } from './events.js'
import { otherBodies, privately, type Row, routes, serviceRoutes } from './routes.js'
import { inPrivate, makeWorld, type Role, roles, secretsFrom, type World } from './world.js'
import { type Writes, watchWrites } from './writes.js'

let app: TestApp
let world: World
let written: Writes

beforeAll(async () => {
  app = await startApp({ notifies: true })
  world = await makeWorld(app.origin)
  await setOperator(app.database, world.people.operator.email, true)
  written = await watchWrites(app)
})
afterAll(() => app.stop())

/** The schemas of each route, `GET /tasks/:taskId`. */
function schemasOf(classes: readonly Class[]) {
  const routes = classes.flatMap(controller => routesOf(controller))
  return new Map<string, RouteSchemas>(
    routes.map(({ method, path, schemas }) => [`${method.toUpperCase()} ${path}`, schemas]),
  )
}

const schemas = schemasOf(controllers)
const serviceSchemas = schemasOf(serviceControllers)
const heard = socketControllers.flatMap(controller =>
  declarationsOf(controller).flatMap(declaration =>
    declaration.on === 'message' ? [declaration.event] : [],
  ),
)

test('every route stands in the matrix, and nothing else does', () => {
  expect(Object.keys(routes).sort()).toEqual([...schemas.keys()].sort())
  expect(Object.keys(serviceRoutes).sort()).toEqual([...serviceSchemas.keys()].sort())
})

test('every socket event stands in the matrix, and nothing else does', () => {
  expect(Object.keys(events).sort()).toEqual([...heard].sort())
})

async function statusOf(route: string, row: Row, role: Role, of: World): Promise<number> {
  const [method = ''] = route.split(' ')
  const { path, body, as, options } = await row.attempt(of, role)
  const token = as?.accessToken ?? (role === 'anonymous' ? undefined : of.people[role].accessToken)
  if (!row.isStream) {
    await written()
    const answer = await new Api(of.origin, token).call(method, path, body, options)
    keepsContract(route, answer)
    if (answer.status >= 400) expect(await written()).toEqual([])
    expect(leaksIn(answer.body, role, of)).toEqual([])
    return answer.status
  }
  const aborting = new AbortController()
  const response = await fetch(`${of.origin}/api/v1${path}`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    signal: aborting.signal,
  })
  if (response.ok) expect(response.headers.get('content-type')).toBe('text/event-stream')
  aborting.abort()
  return response.status
}

/** What somebody is told of that he does not see. */
function leaksIn(told: unknown, role: Role, of: World): string[] {
  const text = JSON.stringify(told) ?? ''
  return secretsFrom(role, of).filter(id => text.includes(id))
}

/** A success holds what its schema says, and nothing that it does not say; a failure is a problem document. */
function keepsContract(route: string, { status, headers, body }: Answer) {
  if (status >= 400) {
    expect(headers.get('content-type')).toContain('application/problem+json')
    expect(body).toMatchObject({ success: false, status, code: expect.stringMatching(/^[A-Z_]+$/) })
    expect(body.requestId).toBe(headers.get('x-request-id'))
    return
  }
  const contract = schemas.get(route)
  if (contract && isRaw(contract)) return expect([status, body]).toEqual([200, 'hello'])
  const response = contract?.response
  if (!response) return expect([status, body]).toEqual([204, ''])
  const parsed = response.safeParse(body.data)
  expect(parsed.success ? parsed.data : parsed.error.issues).toEqual(body.data)
  if (status === 201 && !route.endsWith('/stream-tickets')) expect(headers.has('location')).toBe(true)
}

const everybody = async (route: string, row: Row, of: World) => {
  const statuses: Partial<Record<Role, number>> = {}
  for (const role of roles) statuses[role] = await statusOf(route, row, role, of)
  return statuses
}

describe('routes', () => {
  test.each(Object.entries(routes))('%s', async (route, row) => {
    expect(await everybody(route, row, world)).toEqual(row.expected)
  })
})

describe('routes with another body', () => {
  const rows = Object.entries(otherBodies).flatMap(([route, byField]) =>
    Object.entries(byField).map(([field, row]) => [route, field, row] as const),
  )
  test.each(rows)('%s with %s', async (route, _field, row) => {
    expect(await everybody(route, row, world)).toEqual(row.expected)
  })
})

describe('routes of a private channel', () => {
  test.each(Object.entries(privately))('%s', async (route, row) => {
    expect(await everybody(route, row, inPrivate(world))).toEqual(row.expected)
  })
})

describe('routes beside the API', () => {
  test.each(Object.entries(serviceRoutes))('%s', async (route, expected) => {
    const [, path = ''] = route.split(' ')
    const statuses: Partial<Record<Role, number>> = {}
    for (const role of roles) {
      const headers =
        role === 'anonymous' ? {} : { authorization: `Bearer ${world.people[role].accessToken}` }
      const response = await fetch(app.origin + path, { headers })
      const isJson = response.headers.get('content-type')?.includes('json')
      const body = isJson ? await response.json() : await response.text()
      expect(serviceSchemas.get(route)?.response?.safeParse(body)).toMatchObject({
        success: true,
        data: body,
      })
      statuses[role] = response.status
    }
    expect(statuses).toEqual(expected)
  })
})

/** What each role is answered to an event, `ok` or a code. */
async function codesOf(event: string, { attempt }: EventRow, of: World) {
  const codes: Partial<Record<Role, string>> = {}
  for (const role of roles) {
    const token = role === 'anonymous' ? undefined : of.people[role].accessToken
    const chat = await connectChat(of.origin, token)
    const payload = await attempt(of, chat)
    await written()
    const answer = await chat.ask(event, payload)
    if (!answer.ok) expect(await written()).toEqual([])
    expect(leaksIn([answer, chat.heard], role, of)).toEqual([])
    codes[role] = answer.ok ? 'ok' : answer.error.code
    chat.close()
  }
  return codes
}

describe('socket events', () => {
  test.each(Object.entries(events))('%s', async (event, row) => {
    expect(await codesOf(event, row, world)).toEqual(row.expected)
  })
})

describe('socket events of a private channel', () => {
  test.each(Object.entries(privateEvents))('%s', async (event, row) => {
    expect(await codesOf(event, row, inPrivate(world))).toEqual(row.expected)
  })
})
