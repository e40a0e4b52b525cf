import { once } from 'node:events'
import { Controller, Get, type HttpException, Post, Service } from '@forinda/kickjs-core'
import { Application, type RequestContext } from '@forinda/kickjs-http'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { logged, raw, serve, serveModules, until } from './harness.js'

let release: () => void = () => {}
let waiting = 0

@Controller()
class Slow {
  @Get('/slow')
  async slow() {
    waiting++
    await new Promise<void>(resolve => {
      release = resolve
    })
    return 'finished'
  }

  @Get('/half')
  async half(ctx: RequestContext) {
    ctx.res.write('one ')
    waiting++
    await new Promise<void>(resolve => {
      release = resolve
    })
    ctx.res.end('two')
  }

  @Get('/stream')
  stream(ctx: RequestContext) {
    ctx.sse().send('open')
  }

  @Post('/upload')
  upload() {}

  @Get('/quick')
  quick() {
    return 'quick'
  }
}

const get = (path: string) => `GET /api/v1${path} HTTP/1.1\r\nHost: x\r\n\r\n`

beforeEach(() => {
  waiting = 0
})

describe('a start', () => {
  test('takes adapters through their steps in order and shuts them down in reverse', async () => {
    const steps: string[] = []
    const adapter = (name: string) => ({
      beforeMount: () => void steps.push(`${name} beforeMount`),
      middleware: () => {
        steps.push(`${name} middleware`)
        return []
      },
      onRouteMount: (_controller: unknown, path: string) => void steps.push(`${name} onRouteMount ${path}`),
      beforeStart: ({ server }: { server?: { listening: boolean } }) =>
        void steps.push(`${name} beforeStart ${server?.listening}`),
      afterStart: ({ server }: { server?: { listening: boolean } }) =>
        void steps.push(`${name} afterStart ${server?.listening}`),
      drain: () => void steps.push(`${name} drain`),
      shutdown: () => void steps.push(`${name} shutdown`),
    })
    const module = {
      register: () => void steps.push('register'),
      routes: () => ({ path: '/', controller: Slow }),
    }
    const { app } = await serveModules({ modules: [module], adapters: [adapter('a'), adapter('b')] })
    await Promise.all([app.shutdown(), app.shutdown()])
    expect(steps).toEqual([
      'a beforeMount',
      'b beforeMount',
      'a middleware',
      'b middleware',
      'register',
      'a onRouteMount /api/v1',
      'b onRouteMount /api/v1',
      'a beforeStart false',
      'b beforeStart false',
      'a afterStart true',
      'b afterStart true',
      'b drain',
      'a drain',
      'b shutdown',
      'a shutdown',
    ])
  })

  test('gives the address it has bound, however often it is asked', async () => {
    const { app, port } = await serve([Slow])
    expect(await app.start()).toEqual({ address: '127.0.0.1', family: 'IPv4', port })
    expect(app.getHttpServer().address()).toEqual(await app.start())
  })

  test('serves what an adapter mounts before all middleware', async () => {
    const { port } = await serve([Slow], {
      adapters: [
        { beforeMount: ({ app }) => void app.get('/health', (_req, res) => void res.json({ live: true })) },
      ],
      middleware: [(_req, res) => void res.sendStatus(503)],
    })
    const health = await fetch(`http://127.0.0.1:${port}/health`)
    expect([health.status, health.headers.has('x-request-id')]).toEqual([200, true])
    expect((await fetch(`http://127.0.0.1:${port}/api/v1/quick`)).status).toBe(503)
  })

  test('on a port in use fails with the system’s error and shuts its adapters down', async () => {
    const { port } = await serve([Slow])
    const shutdown = vi.fn()
    const second = new Application({ modules: [], port, adapters: [{ shutdown }] })
    await expect(second.start()).rejects.toMatchObject({ code: 'EADDRINUSE' })
    expect(shutdown).toHaveBeenCalledTimes(1)
  })

  test('fails with the error of an adapter', async () => {
    const adapters = [{ beforeStart: () => Promise.reject(new Error('no database')) }]
    await expect(serve([Slow], { adapters })).rejects.toThrow('no database')
  })

  test('that is shut down before it listens does not listen', async () => {
    const app: Application = new Application({
      modules: [],
      port: 0,
      adapters: [{ beforeStart: () => app.shutdown() }],
    })
    await expect(app.start()).rejects.toThrow('shut down while it started')
    expect(app.getHttpServer().listening).toBe(false)
  })

  test('that is shut down while it begins to listen does not go on', async () => {
    const app = new Application({ modules: [], port: 0 })
    await app.setup()
    const started = app.start()
    await Promise.resolve()
    const [outcome] = await Promise.allSettled([started, app.shutdown()])
    expect(outcome.status).toBe('rejected')
    expect(app.getHttpServer().listening).toBe(false)
  })

  test('alone sets up an Express app that another server can serve', async () => {
    const app = new Application({ modules: [{ routes: () => ({ path: '/', controller: Slow }) }] })
    await app.setup()
    const server = app.getExpressApp().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = address && typeof address === 'object' ? address.port : 0
    expect(await (await fetch(`http://127.0.0.1:${port}/api/v1/quick`)).json()).toBe('quick')
    server.close()
    await app.shutdown()
  })

  test('trusts the proxies it is told to', async () => {
    const ips: unknown[] = []
    const guard = (ctx: RequestContext) => void ips.push(ctx.req.ip)
    const headers = { 'x-forwarded-for': '10.1.2.3' }
    await (await serve([Slow], { guards: [guard] })).at('/quick', { headers })
    await (await serve([Slow], { guards: [guard], trustProxy: 1 })).at('/quick', { headers })
    expect(ips).toEqual(['127.0.0.1', '10.1.2.3'])
  })
})

describe('a shutdown', () => {
  test('accepts no more, but finishes what is open and then closes those connections', async () => {
    const { app, port } = await serve([Slow], { shutdownTimeoutMs: 60_000 })
    const slow = raw(port)
    slow.socket.write(get('/slow'))
    await until(() => waiting === 1)
    const done = app.shutdown()
    await expect(fetch(`http://127.0.0.1:${port}/api/v1/quick`)).rejects.toThrow()
    release()
    await Promise.all([done, slow.closed])
    expect(slow.received()).toMatch(/^HTTP\/1.1 200 OK.*Connection: close.*"finished"$/s)
  })

  test('drains first, while it still serves: connections are taken, and close after their response', async () => {
    let drained = () => {}
    const draining = vi.fn(
      () =>
        new Promise<void>(resolve => {
          drained = resolve
        }),
    )
    const { app, at, port } = await serve([Slow], {
      shutdownTimeoutMs: 60_000,
      adapters: [{ drain: draining }],
    })
    const kept = raw(port)
    kept.socket.write(get('/quick'))
    expect(await kept.seen('"quick"')).toContain('Connection: keep-alive')
    const slow = raw(port)
    slow.socket.write(get('/slow'))
    await until(() => waiting === 1)
    const done = app.shutdown()
    expect(draining).toHaveBeenCalledTimes(1)
    const response = await at('/quick')
    expect([await response.json(), response.headers.get('connection')]).toEqual(['quick', 'close'])
    kept.socket.write(get('/quick'))
    await kept.closed
    release()
    await slow.closed
    expect(slow.received()).toContain('Connection: close')
    drained()
    await done
    await expect(at('/quick')).rejects.toThrow()
  })

  test('gives draining two thirds of its time, and is stopped by none that fails', async () => {
    const steps: string[] = []
    const adapters = [
      { drain: () => void steps.push('never reached'), shutdown: () => void steps.push('shutdown') },
      { drain: () => new Promise<void>(resolve => setTimeout(resolve, 450)) },
      { name: 'failing', drain: () => Promise.reject(new Error('cannot drain')) },
    ]
    const { app, port } = await serve([Slow], { shutdownTimeoutMs: 600, adapters })
    const slow = raw(port)
    slow.socket.write(get('/slow'))
    await until(() => waiting === 1)
    const begun = performance.now()
    const done = app.shutdown()
    setTimeout(release, 500)
    await done
    expect(performance.now() - begun).toBeGreaterThan(395)
    await slow.closed
    expect(slow.received()).toContain('"finished"')
    expect(steps).toEqual(['shutdown'])
    expect(logged.join()).toContain('cannot drain')
  })

  test('of a server that does not listen yet has nothing to drain', async () => {
    const drain = vi.fn()
    const app = new Application({ modules: [], adapters: [{ drain }] })
    await app.setup()
    await app.shutdown()
    expect(drain).not.toHaveBeenCalled()
  })

  test('is not held by idle connections, nor by one whose answer had begun', async () => {
    const { app, port } = await serve([Slow], { shutdownTimeoutMs: 60_000 })
    const idle = raw(port)
    idle.socket.write(get('/quick'))
    await idle.seen('"quick"')
    const silent = raw(port)
    await once(silent.socket, 'connect')
    const half = raw(port)
    half.socket.write(get('/half'))
    await half.seen('one ')
    const done = app.shutdown()
    release()
    await Promise.all([done, idle.closed, half.closed, silent.closed])
    expect(half.received()).toContain('two')
  })

  test('ends open streams, each told when to come back, whatever the adapters still do', async () => {
    const hanging = { name: 'hanging', shutdown: () => new Promise<void>(() => {}) }
    const { app, port } = await serve([Slow], { shutdownTimeoutMs: 200, adapters: [hanging] })
    const clients = Array.from({ length: 20 }, () => raw(port))
    for (const { socket } of clients) socket.write(get('/stream'))
    await Promise.all(clients.map(({ seen }) => seen('data: "open"')))
    await app.shutdown()
    await Promise.all(clients.map(({ closed }) => closed))
    expect(clients.every(({ received }) => received().endsWith('\r\n0\r\n\r\n'))).toBe(true)
    const retries = clients.map(({ received }) => Number(/retry: (\d+)\n\n/.exec(received())?.[1]))
    expect(Math.min(...retries)).toBeGreaterThanOrEqual(500)
    expect(Math.max(...retries)).toBeLessThanOrEqual(2_500)
    expect(new Set(retries).size).toBeGreaterThan(10)
  })

  test('cuts off what has not finished in time: requests, uploads, upgraded sockets', async () => {
    const { app, port } = await serve([Slow], { shutdownTimeoutMs: 50 })
    app.getHttpServer().on('upgrade', (_req, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n')
    })
    const [slow, upload, upgraded, silent] = [raw(port), raw(port), raw(port), raw(port)]
    upgraded.socket.write('GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
    await upgraded.seen('101')
    upload.socket.write(
      'POST /api/v1/upload HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
    )
    slow.socket.write(get('/slow'))
    await until(() => waiting === 1)
    await app.shutdown()
    await Promise.all([slow, upload, upgraded, silent].map(({ closed }) => closed))
  })

  test('is held by no adapter that hangs, nor stopped by one that fails', async () => {
    const shutdown = vi.fn()
    const { app } = await serve([Slow], {
      shutdownTimeoutMs: 50,
      adapters: [
        { name: 'hanging', shutdown: () => new Promise(() => {}) },
        { shutdown },
        { name: 'failing', shutdown: () => Promise.reject(new Error('adapter failed')) },
      ],
    })
    await app.shutdown()
    expect(shutdown).toHaveBeenCalledTimes(1)
    expect(logged.join()).toContain('adapter failed')
  })

  test('of an application that never started ends at once', async () => {
    await new Application({ modules: [] }).shutdown()
  })
})

test('values and errors of one application do not show in another', async () => {
  @Service()
  class Memory {
    readonly seen: string[] = []
  }

  @Controller()
  class Remembering {
    constructor(private readonly memory: Memory) {}

    @Get('/remember/:word')
    remember(ctx: RequestContext) {
      this.memory.seen.push(ctx.params.word)
      return this.memory.seen
    }
  }
  const [one, two] = await Promise.all([
    serve([Remembering], { envelope: data => ({ one: data }) }),
    serve([Remembering], { apiPrefix: '/rest' }),
  ])
  expect(await (await one.at('/remember/a')).json()).toEqual({ one: ['a'] })
  const other = await fetch(`http://127.0.0.1:${two.port}/rest/v1/remember/b`)
  expect(await other.json()).toEqual(['b'])
  const refusal: HttpException = await (await two.at('/remember/c')).json()
  expect(refusal.code).toBe('ROUTE_NOT_FOUND')
  await one.app.shutdown()
  expect((await fetch(`http://127.0.0.1:${two.port}/rest/v1/remember/d`)).status).toBe(200)
})
