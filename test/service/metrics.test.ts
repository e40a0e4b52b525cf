import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { EventStream } from '@forinda/kickjs-http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Metrics } from '../../src/metrics/metrics.js'
import { gaugeSockets } from '../../src/metrics/socket-gauges.js'
import { socketObserver } from '../../src/metrics/socket-observer.js'
import { LiveStreams } from '../../src/realtime/live-streams.js'
import { Api, register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { connectChat } from '../support/chat.js'
import { scrape, standOf } from '../support/metrics.js'

let app: TestApp
let ann: TestUser

beforeAll(async () => {
  app = await startApp()
  ann = await register(app.origin, 'Ann')
})
afterAll(() => app.stop())

describe('/metrics', () => {
  test('is what Prometheus reads: each metric once, with its kind, ours with our prefix', async () => {
    const response = await fetch(`${app.origin}/metrics`)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const text = await response.text()
    const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
    for (const line of lines) expect(line).toMatch(/^[a-z_][a-z0-9_]*(\{[^}]*\})? (-?[0-9.e+-]+|\+Inf|Nan)$/i)
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '']) => name)
    expect(new Set(types).size).toBe(types.length)
    expect(types.filter(name => !/^(vibed|process|nodejs)_/.test(name))).toEqual([])
    expect(types).toEqual(
      expect.arrayContaining(['nodejs_eventloop_lag_seconds', 'process_cpu_seconds_total']),
    )
  })

  test('shows the pool, the streams, the nodes, and begins each resume at none', async () => {
    const text = await scrape(app)
    expect(standOf(text, 'vibed_database_pool{state="total"}')).toBeGreaterThan(0)
    expect(standOf(text, 'vibed_database_pool{state="waiting"}')).toBe(0)
    expect(standOf(text, 'vibed_connections{kind="stream"}')).toBe(0)
    expect(standOf(text, 'vibed_queue_bytes{kind="socket"}')).toBe(0)
    expect(standOf(text, 'vibed_leases')).toBe(1)
    expect(standOf(text, 'vibed_bus_backlog')).toBe(0)
    expect(standOf(text, 'vibed_resumes_total{outcome="replayed"}')).toBe(0)
  })

  test('has what docs/operations.md tells of, and tells of nothing else', async () => {
    const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')
    const [table = ''] = /^\| Metric, after `vibed_`[\s\S]*?\n\n/m.exec(page) ?? []
    const [, , ...rows] = table.split('\n').map(row => row.split('|')[1] ?? '')
    const told = rows.flatMap(cell => cell.match(/`[a-z_]+/g) ?? []).map(name => name.replace('`', 'vibed_'))
    const text = await scrape(app)
    const shown = [...text.matchAll(/^# TYPE (vibed_\S+)/gm)].map(([, name = '']) => name)
    expect(shown.length).toBeGreaterThan(15)
    expect(told.sort()).toEqual(shown.sort())
  })

  test('shows the sockets by what carries them, and what waits for them', async () => {
    const open = async () => {
      const text = await scrape(app)
      return ['websocket', 'polling'].map(kind => standOf(text, `vibed_connections{kind="${kind}"}`))
    }
    expect(await open()).toEqual([0, 0])
    const chats = await Promise.all(
      ['websocket', 'websocket', 'polling'].map(transport =>
        connectChat(app.origin, ann.accessToken, { transports: [transport] }),
      ),
    )
    expect(await open()).toEqual([2, 1])
    for (const chat of chats) chat.close()
    await expect.poll(open).toEqual([0, 0])
  })

  test('counts for each server of a process its own', async () => {
    const other = await startApp({ config: { rateLimits: true } })
    other.container.resolve(Metrics).resumed('reset')
    expect(standOf(await scrape(other), 'vibed_resumes_total{outcome="reset"}')).toBe(1)
    expect(standOf(await scrape(app), 'vibed_resumes_total{outcome="reset"}')).toBe(0)
    await other.stop()
  })
})

describe('requests', () => {
  const count = (method: string, route: string, status: string) =>
    `vibed_http_request_seconds_count{method="${method}",route="${route}",status="${status}"}`

  test('are measured by the pattern of their route, never by their path', async () => {
    const id = randomUUID()
    await ann.api.get(`/users/${id}`)
    await ann.api.get(`/users/${ann.id}`)
    await ann.api.get(`/nothing/${id}`)
    await ann.api.delete(`/users/${id}`)
    await fetch(`${app.origin}/health/live`)
    await expect
      .poll(async () => {
        const text = await scrape(app)
        return [
          count('GET', '/api/v1/users/:userId', '4xx'),
          count('GET', '/api/v1/users/:userId', '2xx'),
          count('GET', 'none', '4xx'),
          count('DELETE', '/api/v1/users/:userId', '4xx'),
          count('GET', '/health/live', '2xx'),
        ].map(sample => standOf(text, sample))
      })
      .toEqual([1, 1, 1, 1, 1])
    expect(await scrape(app)).not.toContain(id)
  })

  test('are not measured where the client left, or listens to a stream', async () => {
    const { id } = await workspaceOf(ann)
    const leaving = new AbortController()
    const path = `/api/v1/workspaces/${id}/stats/live`
    const stream = await fetch(app.origin + path, {
      headers: { authorization: `Bearer ${ann.accessToken}` },
      signal: leaving.signal,
    })
    expect(stream.status).toBe(200)
    expect(standOf(await scrape(app), 'vibed_connections{kind="stream"}')).toBe(1)
    leaving.abort()
    await expect.poll(async () => standOf(await scrape(app), 'vibed_connections{kind="stream"}')).toBe(0)
    expect(await scrape(app)).not.toContain('stats/live')
  })
})

test('a refusal by a limit is counted under its name', async () => {
  const limited = await startApp({ config: { rateLimits: true } })
  const email = 'nobody@example.com'
  for (let n = 0; n < 7; n++) await new Api(limited.origin).post('/auth/forgot-password', { email })
  expect(standOf(await scrape(limited), 'vibed_limited_total{limit="password-resets"}')).toBe(2)
  await limited.stop()
})

describe('a stream that the server closes', () => {
  async function open(user: TestUser) {
    const { id } = await workspaceOf(user)
    const headers = { authorization: `Bearer ${user.accessToken}` }
    return fetch(`${app.origin}/api/v1/workspaces/${id}/stats/live`, { headers })
  }

  const closed = async (reason: string) =>
    standOf(await scrape(app), `vibed_connections_closed_total{reason="${reason}"}`) ?? 0

  test('is counted with the reason', async () => {
    const bob = await register(app.origin, 'Bob')
    const before = [await closed('revoked'), await closed('slow')]
    const response = await open(bob)
    await bob.api.post('/auth/logout-all', {})
    await response.text()
    expect([await closed('revoked'), await closed('slow')]).toEqual([(before[0] ?? 0) + 1, before[1]])
  })

  test('as slow, where its client does not read; until then what waits is shown', async () => {
    const bob = await register(app.origin, 'Bob')
    const before = await closed('slow')
    const response = await open(bob)
    const [live] = [...app.container.resolve(LiveStreams).all()].filter(({ user }) => user.id === bob.id)
    // As the statistics write, only more.
    const { stream } = live as unknown as { stream: EventStream }
    const frame = Buffer.from(`: ${'x'.repeat(500_000)}\n\n`)
    let most = 0
    while (!stream.closed) {
      stream.write(frame)
      most = Math.max(most, standOf(await scrape(app), 'vibed_queue_bytes{kind="stream"}') ?? 0)
    }
    expect(most).toBeGreaterThan(500_000)
    expect(await closed('slow')).toBe(before + 1)
    expect(standOf(await scrape(app), 'vibed_queue_bytes{kind="stream"}')).toBe(0)
    await response.body?.cancel().catch(() => {})
  })

  test('is not counted where its client left', async () => {
    const bob = await register(app.origin, 'Bob')
    const all = async () =>
      (await scrape(app)).split('\n').filter(line => line.startsWith('vibed_connections_closed_total{'))
    const before = await all()
    const response = await open(bob)
    await response.body?.cancel()
    await expect.poll(async () => standOf(await scrape(app), 'vibed_connections{kind="stream"}')).toBe(0)
    expect(await all()).toEqual(before)
  })
})

describe('the verbs', () => {
  const textOf = async (metrics: Metrics) => (await metrics.exposition()).text

  test('of the bus count its events, and measure their way', async () => {
    const metrics = new Metrics()
    metrics.bus.sent(3)
    metrics.bus.received(2)
    metrics.bus.dropped(1)
    metrics.bus.lag(20)
    const text = await textOf(metrics)
    expect(standOf(text, 'vibed_bus_events_total{direction="out"}')).toBe(3)
    expect(standOf(text, 'vibed_bus_events_total{direction="in"}')).toBe(2)
    expect(standOf(text, 'vibed_bus_events_total{direction="dropped"}')).toBe(1)
    expect(standOf(text, 'vibed_bus_lag_seconds_sum')).toBeCloseTo(0.02)
    expect(standOf(text, 'vibed_bus_lag_seconds_bucket{le="0.025"}')).toBe(1)
    expect(standOf(text, 'vibed_bus_lag_seconds_bucket{le="0.01"}')).toBe(0)
  })

  test('of sockets count what comes and goes, and measure answers', async () => {
    const metrics = new Metrics()
    const observer = socketObserver(metrics)
    observer.received?.('message:send')
    observer.received?.('message:send')
    observer.answered?.('message:send', 'ok', 4)
    observer.answered?.('message:send', 'RATE_LIMITED', 1)
    observer.sent?.(100, 1)
    observer.sent?.(50, 2)
    observer.closed?.('slow')
    const text = await textOf(metrics)
    expect(standOf(text, 'vibed_socket_events_received_total{event="message:send"}')).toBe(2)
    expect(standOf(text, 'vibed_socket_answers_total{code="RATE_LIMITED"}')).toBe(1)
    expect(standOf(text, 'vibed_socket_ack_seconds_count{event="message:send"}')).toBe(2)
    expect(standOf(text, 'vibed_socket_packets_sent_total')).toBe(3)
    expect(standOf(text, 'vibed_socket_bytes_sent_total')).toBe(150)
    expect(standOf(text, 'vibed_sockets_closed_total{reason="slow"}')).toBe(1)
  })

  test('of sockets show what is open and what waits when somebody looks', async () => {
    const metrics = new Metrics()
    const sockets = { connectionCounts: { websocket: 1, polling: 0 }, backlogBytes: 0 }
    gaugeSockets(metrics, sockets)
    sockets.connectionCounts = { websocket: 2, polling: 3 }
    sockets.backlogBytes = 500
    const text = await textOf(metrics)
    expect(standOf(text, 'vibed_connections{kind="websocket"}')).toBe(2)
    expect(standOf(text, 'vibed_connections{kind="polling"}')).toBe(3)
    expect(standOf(text, 'vibed_queue_bytes{kind="socket"}')).toBe(500)
  })

  test('of what is lost on purpose and of gauges, whose numbers are asked for when somebody looks', async () => {
    const metrics = new Metrics()
    let open = 1
    metrics.gauge('connections', 'Open connections', () => open, { kind: 'websocket' })
    metrics.gauge('connections', 'Open connections', () => 7, { kind: 'polling' })
    metrics.gauge('nodes', 'Nodes', () => 2)
    metrics.dropped('typing')
    metrics.dropped('presence', 4)
    open = 5
    const text = await textOf(metrics)
    expect(standOf(text, 'vibed_connections{kind="websocket"}')).toBe(5)
    expect(standOf(text, 'vibed_connections{kind="polling"}')).toBe(7)
    expect(standOf(text, 'vibed_nodes')).toBe(2)
    expect(standOf(text, 'vibed_dropped_total{class="typing"}')).toBe(1)
    expect(standOf(text, 'vibed_dropped_total{class="presence"}')).toBe(4)
  })
})
