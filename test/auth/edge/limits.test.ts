import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Database } from '../../../src/db/database.js'
import { refuse } from '../../../src/errors.js'
import { Limits } from '../../../src/http/limits/limits.js'
import { RateLimits } from '../../../src/http/limits/rate-limits.js'
import { startNodes, until } from '../../cluster/nodes.js'
import { cloneDatabase } from '../../support/database.js'
import { bareNode, connect } from './node.js'

let cloned: Awaited<ReturnType<typeof cloneDatabase>>
let database: Database
let another: Database
beforeAll(async () => {
  cloned = await cloneDatabase()
  database = await Database.open({ url: cloned.url })
  another = await Database.open({ url: cloned.url })
})
afterAll(async () => {
  await Promise.all([database.close(), another.close()])
  await cloned.drop()
})

/** How many of these calls were let through. */
async function passed(calls: number, call: (n: number) => Promise<unknown>) {
  const outcomes = await Promise.allSettled(Array.from({ length: calls }, (_, n) => call(n)))
  return outcomes.filter(({ status }) => status === 'fulfilled').length
}

const codeOf = (error: { code: string }) => error.code

describe('what is counted in the database', () => {
  const rateLimits = (of: Database) => bareNode(of).container.resolve(RateLimits)
  const guess = () => Promise.reject(refuse('INVALID_CREDENTIALS'))

  test('is exact, on however many nodes somebody tries at once', async () => {
    const nodes = [rateLimits(database), rateLimits(another)] as const
    const tries = Array.from({ length: 40 }, (_, n) =>
      (n % 2 ? nodes[0] : nodes[1]).login('192.0.2.1', 'ann@example.com', guess).catch(codeOf),
    )
    const codes = await Promise.all(tries)
    expect(codes.filter(code => code === 'INVALID_CREDENTIALS')).toHaveLength(10)
    expect(codes.filter(code => code === 'RATE_LIMITED')).toHaveLength(30)
    expect(await passed(70, n => (n % 2 ? nodes[0] : nodes[1]).registration('192.0.2.1'))).toBe(60)
  })

  test('is the same on the embedded database', async () => {
    const embedded = await Database.open({})
    const limits = rateLimits(embedded)
    const login = () => limits.login('192.0.2.1', 'ann@example.com', guess).catch(codeOf)
    const codes = await Promise.all(Array.from({ length: 15 }, login))
    expect(codes.filter(code => code === 'INVALID_CREDENTIALS')).toHaveLength(10)
    await embedded.close()
  })

  test('is not forgotten by a restart', async () => {
    expect(await passed(6, () => rateLimits(database).passwordReset('192.0.2.2', 'ann@example.com'))).toBe(5)
    const restarted = rateLimits(another)
    const asked = restarted.passwordReset('192.0.2.2', 'ann@example.com')
    await expect(asked).rejects.toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) })
    await restarted.passwordReset('192.0.2.2', 'bob@example.com')
  })

  test('is taken back where it was no failure, so that a server which stumbles locks nobody out', async () => {
    const limits = rateLimits(database)
    const counted = async () => {
      const { rows } = await database.pool.query(
        "select points from rate_limits where key like 'failed-sign-ins%192.0.2.3%'",
      )
      return rows.map(({ points }) => points)
    }
    await expect(
      limits.login('192.0.2.3', 'a@example.com', () => Promise.reject(new Error('no'))),
    ).rejects.toThrow('no')
    expect(await counted()).toEqual([0, 0])
    expect(await limits.login('192.0.2.3', 'a@example.com', async () => 'in')).toBe('in')
    expect(await counted()).toEqual([0])
  })

  test('is counted in memory while the database is away', async () => {
    const broken = vi
      .spyOn(database.pool, 'query')
      .mockImplementation(() => Promise.reject(new Error('away')))
    const limits = rateLimits(database)
    expect(await passed(70, () => limits.registration('192.0.2.4'))).toBe(60)
    broken.mockRestore()
    await limits.registration('192.0.2.4')
  })

  test('is counted in memory while the database says nothing', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const silent = vi.spyOn(database.pool, 'query').mockImplementation(() => new Promise(() => {}))
    const limits = rateLimits(database)
    const asked = passed(70, () => limits.registration('192.0.2.5'))
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await asked).toBe(60)
    silent.mockRestore()
    vi.useRealTimers()
  })

  test('costs no write any more for one who goes on and on', async () => {
    const limits = rateLimits(database)
    await passed(120, () => limits.registration('192.0.2.6'))
    const queries = vi.spyOn(database.pool, 'query')
    expect(await passed(50, () => limits.registration('192.0.2.6'))).toBe(0)
    expect(queries).not.toHaveBeenCalled()
    queries.mockRestore()
  })
})

describe('what nodes tell each other', () => {
  /** Nodes with one limit of 100 in 60 seconds. */
  function twoNodes({ rateLimits = true } = {}) {
    const nodes = [bareNode(database, { rateLimits }), bareNode(database, { rateLimits })] as const
    connect(...nodes)
    return nodes.map(node => {
      const limits = node.container.resolve(Limits)
      const limit = limits.ofNodes({ name: 'tries', points: 100, seconds: 60 })
      return { limit, told: node.told, tell: () => limits.tell(Date.now()) }
    }) as [Teller, Teller]
  }
  interface Teller {
    limit: ReturnType<Limits['ofNodes']>
    told: unknown[]
    tell(): void
  }

  test('makes a limit hold for all of them', async () => {
    const [one, other] = twoNodes()
    expect(await passed(70, () => one.limit.spend('ann'))).toBe(70)
    one.tell()
    expect(await passed(70, () => other.limit.spend('ann'))).toBe(30)
    await expect(other.limit.refuseSpent('ann')).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    other.tell()
    expect(await passed(5, () => one.limit.spend('ann'))).toBe(0)
    expect(await passed(101, () => one.limit.spend('bob'))).toBe(100)
  })

  test('is told once, without what was refused or heard from others', async () => {
    const [one, other] = twoNodes()
    await passed(70, () => one.limit.spend('ann'))
    one.tell()
    one.tell()
    expect(one.told).toEqual([['limits.spent', { limit: 'tries', spent: [['ann', 70]] }]])
    await passed(50, () => other.limit.spend('ann'))
    other.tell()
    expect(other.told).toEqual([['limits.spent', { limit: 'tries', spent: [['ann', 30]] }]])
    await passed(50, () => one.limit.spend('ann'))
    one.tell()
    expect(one.told).toHaveLength(1)
  })

  test('is nothing where people are as fast as people are', async () => {
    const [one] = twoNodes()
    await passed(9, () => one.limit.spend('ann'))
    one.tell()
    expect(one.told).toEqual([])
    await one.limit.spend('ann')
    one.tell()
    expect(one.told).toEqual([['limits.spent', { limit: 'tries', spent: [['ann', 10]] }]])
  })

  test('is little at a time, however many there are, and everybody has his turn', async () => {
    const [one] = twoNodes()
    const names = Array.from({ length: 120 }, (_, n) => `user ${n}`)
    const spend = () => Promise.all(names.map(name => passed(10, () => one.limit.spend(name))))
    await spend()
    one.tell()
    await spend()
    one.tell()
    one.tell()
    const sizes = one.told.map(told => (told as [string, { spent: [string, number][] }])[1].spent)
    expect(sizes.map(({ length }) => length)).toEqual([50, 50, 50])
    expect(new Set(sizes.flat().map(([key]) => key)).size).toBe(120)
  })

  test('is forgotten with the window that it was about', async () => {
    const [one] = twoNodes()
    await passed(50, () => one.limit.spend('ann'))
    expect(one.limit.news(Date.now() + 60_000)).toEqual([])
    expect(one.limit.isQuiet).toBe(true)
  })

  test('goes by itself, four times a second, and only while there is something', async () => {
    vi.useFakeTimers()
    const [one] = twoNodes()
    await passed(50, () => one.limit.spend('ann'))
    await vi.advanceTimersByTimeAsync(250)
    expect(one.told).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(61_000)
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  test('reaches them over the bus, within a second', async () => {
    const { nodes, stop } = await startNodes(2, { rateLimits: true })
    const [one, other] = nodes.map(({ container }) => container.resolve(RateLimits)) as [
      RateLimits,
      RateLimits,
    ]
    const refused = async () => {
      // A window may end before the other node has heard of it.
      if ((await passed(400, () => one.anonymous('192.0.2.9'))) > 0) return false
      return (await passed(1, () => other.anonymous('192.0.2.9'))) === 0
    }
    await until(refused, 'the other node refuses')
    expect(await passed(1, () => other.anonymous('192.0.2.10'))).toBe(1)
    await stop()
  })

  test('means nothing where limits are off', async () => {
    const [one, other] = twoNodes({ rateLimits: false })
    expect(await passed(200, () => one.limit.spend('ann'))).toBe(200)
    one.tell()
    expect(one.told).toEqual([])
    other.limit.hear([['ann', 500]])
    expect(await passed(200, () => other.limit.spend('ann'))).toBe(200)
  })
})
