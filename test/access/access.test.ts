import { routesOf } from '@forinda/kickjs-core'
import { declarationsOf } from '@forinda/kickjs-ws'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { controllers, socketControllers } from '../../src/app.js'
import { type Answer, Api } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { connectChat } from '../support/chat.js'
import { events } from './events.js'
import { privately, type Row, routes } from './routes.js'
import { makeWorld, type Role, roles, type World } from './world.js'

let app: TestApp
let world: World

beforeAll(async () => {
  app = await startApp()
  world = await makeWorld(app.origin)
})
afterAll(() => app.stop())

const schemas = new Map(
  controllers.flatMap(controller =>
    routesOf(controller).map(
      ({ method, path, schemas }) => [`${method.toUpperCase()} ${path}`, schemas] as const,
    ),
  ),
)
const heard = socketControllers.flatMap(controller =>
  declarationsOf(controller).flatMap(declaration =>
    declaration.on === 'message' ? [declaration.event] : [],
  ),
)

test('every route stands in the matrix, and nothing else does', () => {
  expect(Object.keys(routes).sort()).toEqual([...schemas.keys()].sort())
})

test('every socket event stands in the matrix, and nothing else does', () => {
  expect(Object.keys(events).sort()).toEqual([...heard].sort())
})

async function statusOf(route: string, row: Row, role: Role, of: World): Promise<number> {
  const [method = ''] = route.split(' ')
  const { path, body, as } = await row.attempt(of, role)
  const token = as?.accessToken ?? (role === 'anonymous' ? undefined : of.people[role].accessToken)
  if (!row.isStream) {
    const answer = await new Api(of.origin, token).call(method, path, body)
    keepsContract(route, answer)
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

/** A success holds what its schema says, and nothing that it does not say; a failure is a problem document. */
function keepsContract(route: string, { status, headers, body }: Answer) {
  if (status >= 400) {
    expect(headers.get('content-type')).toContain('application/problem+json')
    expect(body).toMatchObject({ success: false, status, code: expect.stringMatching(/^[A-Z_]+$/) })
    expect(body.requestId).toBe(headers.get('x-request-id'))
    return
  }
  const response = schemas.get(route)?.response
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

describe('routes of a private channel', () => {
  test.each(Object.entries(privately))('%s', async (route, row) => {
    const inside: World = { ...world, channel: () => world.channel('private') }
    inside.message = async () => world.message(await world.channel('private'))
    expect(await everybody(route, row, inside)).toEqual(row.expected)
  })
})

describe('socket events', () => {
  test.each(Object.entries(events))('%s', async (event, { attempt, expected }) => {
    const codes: Partial<Record<Role, string>> = {}
    for (const role of roles) {
      const chat = await connectChat(
        app.origin,
        role === 'anonymous' ? undefined : world.people[role].accessToken,
      )
      const answer = await chat.ask(event, await attempt(world, chat))
      codes[role] = answer.ok ? 'ok' : answer.error.code
      chat.close()
    }
    expect(codes).toEqual(expected)
  })
})
