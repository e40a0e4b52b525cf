import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Database } from '../../src/db/database.js'
import { HealthService } from '../../src/modules/health/health.service.js'
import { startApp, type TestApp } from '../support/app.js'

let app: TestApp

beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.stop())

async function ask(path: string) {
  const response = await fetch(app.origin + path)
  return { status: response.status, body: await response.json() }
}

test('whoever asks hears that the process lives, and that it can work', async () => {
  expect(await ask('/health/live')).toEqual({ status: 200, body: { status: 'live' } })
  expect(await ask('/health/ready')).toEqual({
    status: 200,
    body: { status: 'ready', dependencies: { database: 'up', sockets: 'up', bus: 'up' } },
  })
})

test('what is beside the API is not in it', async () => {
  expect((await ask('/api/v1/health/live')).status).toBe(404)
})

test('an unknown parameter is refused here too', async () => {
  expect((await ask('/health/ready?verbose=1')).status).toBe(422)
})

describe('a database that is away', () => {
  test('makes the node not ready, but leaves it alive', async () => {
    const ping = vi.spyOn(app.container.resolve(Database), 'ping').mockRejectedValue(new Error('away'))
    expect(await ask('/health/ready')).toEqual({
      status: 503,
      body: { status: 'unavailable', dependencies: { database: 'down', sockets: 'up', bus: 'up' } },
    })
    expect((await ask('/health/live')).status).toBe(200)
    ping.mockRestore()
    expect((await ask('/health/ready')).status).toBe(200)
  })

  test('is not waited for longer than two seconds, and asked by one at a time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const ping = vi.spyOn(app.container.resolve(Database), 'ping').mockReturnValue(new Promise(() => {}))
    const health = app.container.resolve(HealthService)
    const asked = Promise.all([health.readiness(), health.readiness()])
    await vi.advanceTimersByTimeAsync(2_000)
    expect(await asked).toMatchObject([{ status: 'unavailable' }, { status: 'unavailable' }])
    expect(ping).toHaveBeenCalledTimes(1)
    ping.mockRestore()
    vi.useRealTimers()
    expect((await ask('/health/ready')).status).toBe(200)
  })
})

test('a node that is stopping is not ready', async () => {
  const stopping = await startApp()
  const health = stopping.container.resolve(HealthService)
  const stopped = stopping.stop()
  expect(await health.readiness()).toMatchObject({ status: 'stopping' })
  await stopped
})
