import { Container } from '@forinda/kickjs-core'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Access } from '../../src/access/access.js'
import { ThisNode } from '../../src/cluster/this-node.js'
import { CONFIG, loadConfig } from '../../src/config.js'
import { Database } from '../../src/db/database.js'
import { type DomainEvents, Events, type Told } from '../../src/events.js'
import { PresenceRepository } from '../../src/modules/presence/presence.repository.js'
import { PresenceService } from '../../src/modules/presence/presence.service.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** The presence of a node, what its clients are told, and what the other nodes are. */
function presence() {
  const container = new Container()
    .registerInstance(CONFIG, { ...loadConfig({}), jwtSecret: 'a secret that is long enough for a test' })
    .registerInstance(Database, Object.create(Database.prototype))
  const events = container.resolve(Events)
  const told: string[] = []
  const announce = (kind: string, userId: string, places: readonly string[]) =>
    told.push(`${userId} ${kind} in ${[...places].sort().join(' ')}`)
  events.on('presence.online', ({ userId, workspaceIds }) => void announce('online', userId, workspaceIds))
  events.on('presence.offline', ({ userId, workspaceIds }) => void announce('offline', userId, workspaceIds))
  const service = container.resolve(PresenceService)
  const connect = (userId: string, workspaceIds: string[]) =>
    service.connect({ userId, userName: userId }, `socket of ${userId}`, workspaceIds)
  return { container, events, service, told, connect }
}

/** Somebody else's coming is told at once, so that what comes after it waits for the rest of the second. */
function presenceAmidASecond() {
  const here = presence()
  here.connect('first', ['w1'])
  expect(here.told.splice(0)).toEqual(['first online in w1'])
  return here
}

const aSecond = () => vi.advanceTimersByTimeAsync(1_000)

test('who is taken out of a workspace in the second in which he came is not announced there', async () => {
  const { events, told, connect, service } = presenceAmidASecond()
  connect('ben', ['w1', 'w2'])
  events.deliver('member.removed', { workspaceId: 'w1', userId: 'ben' })
  await aSecond()
  expect(told).toEqual(['ben online in w2'])
  expect(service.onlineIn('w1').map(({ userId }) => userId)).toEqual(['first'])
})

test('who becomes a member somewhere in the second in which he goes is not announced there', async () => {
  const { events, told, connect, service } = presenceAmidASecond()
  connect('ben', ['w1'])
  await aSecond()
  told.splice(0)
  events.deliver('member.added', { workspaceId: 'w2', userId: 'ben' })
  service.disconnect('socket of ben', Date.now(), true)
  await aSecond()
  expect(told).toEqual(['ben offline in w1'])
})

test('a going from one workspace is told before a coming to another', async () => {
  const { events, told, connect } = presenceAmidASecond()
  connect('ben', ['w1'])
  await aSecond()
  told.splice(0)
  events.deliver('member.added', { workspaceId: 'w2', userId: 'ben' })
  events.deliver('member.removed', { workspaceId: 'w1', userId: 'ben' })
  await aSecond()
  expect(told).toEqual(['ben offline in w1', 'ben online in w2'])
})

test('the other nodes are told of somebody with the workspaces that he belongs to by then', async () => {
  const { container, events, connect } = presence()
  const elsewhere: DomainEvents['presence.changed'][] = []
  events.relayTo((...[name, event]: Told) => {
    if (name === 'presence.changed') elsewhere.push(event)
  })
  let stored = () => {}
  vi.spyOn(container.resolve(PresenceRepository), 'publish').mockImplementation(async () => {
    await new Promise<void>(resolve => {
      stored = resolve
    })
    return { startedAt: 'now', version: 1 }
  })
  connect('ben', ['w1', 'w2', 'w3'])
  events.deliver('member.removed', { workspaceId: 'w1', userId: 'ben' })
  events.deliver('nodes.seen', {
    nodes: [{ id: container.resolve(ThisNode).id, startedAt: 'now', presenceVersion: 0 }],
  })
  // What happens while it is being stored counts, too.
  events.deliver('member.added', { workspaceId: 'w4', userId: 'ben' })
  events.deliver('member.removed', { workspaceId: 'w2', userId: 'ben' })
  stored()
  await vi.waitFor(() => expect(elsewhere).toHaveLength(1))
  expect(elsewhere[0]?.came?.map(({ workspaceIds }) => workspaceIds)).toEqual([['w3', 'w4']])
})

test('where everybody belongs is asked at once for all', async () => {
  const { container, connect, service, told } = presence()
  const asked = vi
    .spyOn(container.resolve(Access), 'workspacesOf')
    .mockResolvedValue(new Map([['ben', ['w2']]]))
  connect('ben', ['w1'])
  connect('eve', ['w1'])
  await aSecond()
  told.splice(0)
  await service.reconcileWorkspaces()
  expect(asked).toHaveBeenCalledExactlyOnceWith(['ben', 'eve'])
  await aSecond()
  expect(told).toEqual(['ben offline in w1', 'ben online in w2', 'eve offline in w1'])
})
