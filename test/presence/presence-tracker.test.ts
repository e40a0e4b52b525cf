import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PresenceTracker } from '../../src/modules/presence/presence-tracker.js'

const GRACE = 10_000
const ann = { userId: 'ann', userName: 'Ann' }
const ben = { userId: 'ben', userName: 'Ben' }

test('the first connection is news, a second tab is not', () => {
  const tracker = new PresenceTracker(GRACE)
  expect(tracker.connect(ann, 'tab 1', ['w'])).toBe(true)
  expect(tracker.connect(ann, 'tab 2', ['w'])).toBe(false)
  expect(tracker.onlineIn('w')).toEqual([ann])
})

test('closing one of two tabs takes nobody offline', () => {
  const tracker = new PresenceTracker(GRACE)
  tracker.connect(ann, 'tab 1', ['w'])
  tracker.connect(ann, 'tab 2', ['w'])
  tracker.disconnect('tab 1', 0)
  expect(tracker.nextSweep).toBeUndefined()
  expect(tracker.sweep(1_000_000)).toEqual([])
})

test('the last connection takes its user offline after the grace time, once', () => {
  const tracker = new PresenceTracker(GRACE)
  tracker.connect(ann, 'tab', ['w', 'v'])
  tracker.disconnect('tab', 5_000)
  expect(tracker.nextSweep).toBe(15_000)
  expect(tracker.sweep(14_999)).toEqual([])
  expect(tracker.onlineCount('w')).toBe(1)
  expect(tracker.sweep(15_000)).toEqual([{ userId: 'ann', workspaceIds: ['w', 'v'] }])
  expect(tracker.sweep(15_000)).toEqual([])
  expect(tracker.onlineCount('w')).toBe(0)
})

test('a reload within the grace time is no news at all', () => {
  const tracker = new PresenceTracker(GRACE)
  tracker.connect(ann, 'before', ['w'])
  tracker.disconnect('before', 0)
  expect(tracker.connect(ann, 'after', ['w'])).toBe(false)
  expect(tracker.sweep(1_000_000)).toEqual([])
})

test('a connection that was silent for too long gets no grace', () => {
  const tracker = new PresenceTracker(GRACE)
  tracker.connect(ann, 'phone', ['w'])
  tracker.connect(ben, 'laptop', ['w'])
  tracker.disconnect('laptop', 0)
  tracker.disconnect('phone', 1_000, { gone: true })
  expect(tracker.nextSweep).toBe(0)
  expect(tracker.sweep(1_000).map(({ userId }) => userId)).toEqual(['ann'])
})

test('a connection that no longer exists is found and ended', () => {
  const tracker = new PresenceTracker(GRACE)
  tracker.connect(ann, 'lost', ['w'])
  tracker.connect(ben, 'alive', ['w'])
  expect(tracker.reconcile(new Set(['alive']), 0)).toBe(1)
  expect(tracker.sweep(0)).toEqual([{ userId: 'ann', workspaceIds: ['w'] }])
})

test('joining and leaving a workspace while online shows there at once', () => {
  const tracker = new PresenceTracker(GRACE)
  tracker.connect(ann, 'tab', ['w'])
  expect(tracker.enter('ann', 'v')).toBe(true)
  expect(tracker.enter('ann', 'v')).toBe(false)
  expect(tracker.onlineCount('v')).toBe(1)
  expect(tracker.leave('ann', 'v')).toBe(true)
  expect(tracker.leave('ann', 'v')).toBe(false)
  expect(tracker.onlineCount('v')).toBe(0)
  expect(tracker.enter('ben', 'v')).toBe(false)
})

const events = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('connect' as const), user: fc.nat(3), tab: fc.nat(5) }),
    fc.record({
      do: fc.constant('disconnect' as const),
      user: fc.nat(3),
      tab: fc.nat(5),
      gone: fc.boolean(),
    }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.nat(15_000) }),
  ),
  { maxLength: 80 },
)

test('announcements alternate for each user, and whoever has a connection is online', () => {
  fc.assert(
    fc.property(events, steps => {
      const tracker = new PresenceTracker(GRACE)
      const tabs = new Map<string, string>()
      const online = new Set<string>()
      let now = 0
      const sweep = () => {
        for (const { userId } of tracker.sweep(now)) {
          expect(online.delete(userId)).toBe(true)
          expect([...tabs.values()]).not.toContain(userId)
        }
      }
      for (const step of steps) {
        if (step.do === 'wait') {
          now += step.ms
          sweep()
          continue
        }
        const userId = `user ${step.user}`
        const tab = `${userId} tab ${step.tab}`
        if (step.do === 'connect' && !tabs.has(tab)) {
          tabs.set(tab, userId)
          if (tracker.connect({ userId, userName: userId }, tab, ['w'])) {
            expect(online.has(userId)).toBe(false)
            online.add(userId)
          }
        }
        if (step.do === 'disconnect' && tabs.delete(tab)) tracker.disconnect(tab, now, { gone: step.gone })
        expect(new Set(tracker.onlineIn('w').map(visitor => visitor.userId))).toEqual(online)
      }
      now += GRACE
      sweep()
      expect(online).toEqual(new Set(tabs.values()))
      expect(tracker.nextSweep).toBeUndefined()
    }),
    { numRuns: 500 },
  )
})
