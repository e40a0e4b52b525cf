import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Attempt, type Row, routes } from '../access/routes.js'
import { makeWorld, type Role, roles, type World } from '../access/world.js'
import { Api } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { rows } from '../work/support.js'

let app: TestApp
let world: World

beforeAll(async () => {
  app = await startApp()
  world = await makeWorld(app.origin)
})
afterAll(() => app.stop())

/** What is no activity of a workspace, and why. */
const exceptions: [pattern: RegExp, why: string][] = [
  [/ \/auth\//, 'who somebody is, and where he is signed in, belongs to no workspace'],
  [/ \/users\/me$/, 'the same of his name'],
  [/ \/admin\//, 'whoever runs the server acts on it, not in a workspace'],
  [/ \/channels\/:channelId\/messages$/, 'the sequence of its channel is the log of what is said'],
  [/ \/messages\/:messageId/, 'the same of its edits, its end and its reactions'],
  [/ \/channels\/:channelId\/read$/, 'who has read what is his own affair'],
  [/\/notifications/, 'the same of what he was told, and wants to be told'],
  [/ \/tasks\/:taskId\/watch$/, 'the same of a task'],
]

/** Where nobody of the matrix gets through: a request that does. */
const attempts: Record<string, (world: World) => Promise<Attempt>> = {
  'POST /invitations/accept': async ({ people, workspaceId }) => {
    const path = `/workspaces/${workspaceId}/invite`
    const invitation = { email: people.outsider.email, role: 'member' }
    const { token } = await people.owner.api.data('POST', path, invitation)
    return { path: '/invitations/accept', body: { token }, as: people.outsider }
  },
}

const mutating = Object.entries(routes).filter(([route]) => !route.startsWith('GET '))
const isException = (route: string) => exceptions.some(([pattern]) => pattern.test(route))

test('no exception is made for routes that are gone', () => {
  const idle = exceptions.filter(([pattern]) => mutating.every(([route]) => !pattern.test(route)))
  expect(idle).toEqual([])
})

/** The mightiest who gets through. */
function doerOf({ expected }: Row): Role | undefined {
  return roles.toReversed().find(role => expected[role] >= 200 && expected[role] < 300)
}

async function attemptOf(route: string, row: Row): Promise<Attempt> {
  const role = doerOf(row)
  if (!role || role === 'anonymous') return (attempts[route] ?? fail)(world)
  const attempt = await row.attempt(world, role)
  return { ...attempt, as: attempt.as ?? world.people[role] }
}

function fail(): never {
  throw new Error('nobody gets through: say in `attempts` who does')
}

const recorded = async () => (await rows(app, 'select count(*) from activities'))[0].count

describe('is recorded as an activity:', () => {
  test.each(mutating.filter(([route]) => !isException(route)))('%s', async (route, row) => {
    const [method = ''] = route.split(' ')
    const { path, body, options, as } = await attemptOf(route, row)
    const before = await recorded()
    const { status } = await new Api(app.origin, as?.accessToken).call(method, path, body, options)
    expect(status).toBeLessThan(300)
    expect(await recorded()).toBeGreaterThan(before)
  })
})
