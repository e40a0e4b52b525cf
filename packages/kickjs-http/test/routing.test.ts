import {
  type Class,
  Container,
  Controller,
  Delete,
  Get,
  HttpException,
  Inject,
  Middleware,
  methodFlag,
  Patch,
  Post,
  Scope,
  Service,
} from '@forinda/kickjs-core'
import {
  buildRoutes,
  getControllerPath,
  type RequestContext,
  type RouteGuard,
  type RouteInfo,
  type RouteInterceptor,
} from '@forinda/kickjs-http'
import express from 'express'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { json, raw, serve, serveModules } from './harness.js'

@Controller('/named')
class Tasks {
  @Get('/tasks')
  list() {
    return ['first']
  }

  @Get('/tasks/:id')
  byId(ctx: RequestContext) {
    ctx.json({ id: ctx.params.id })
  }

  @Post('/tasks')
  add(ctx: RequestContext) {
    ctx.created({ id: 7 }, '/api/v1/tasks/7')
  }

  @Delete('/tasks/:id')
  remove() {}

  @Patch('/tasks/:id')
  touch() {
    return null
  }
}

@Controller()
class Bulk {
  @Post('/tasks/bulk')
  bulk() {
    return 'bulk'
  }
}

describe('what a handler returns', () => {
  test('is sent as JSON with 200; null is a value, undefined is 204', async () => {
    const { at } = await serve([Tasks])
    const list = await at('/tasks')
    expect([list.status, list.headers.get('content-type'), await list.json()]).toEqual([
      200,
      'application/json; charset=utf-8',
      ['first'],
    ])
    expect(await (await at('/tasks/7', { method: 'PATCH' })).json()).toBeNull()
    const removed = await at('/tasks/7', { method: 'DELETE' })
    expect([removed.status, await removed.text()]).toEqual([204, ''])
  })

  test('goes through the envelope, as ctx.created does, but ctx.json is sent as it is', async () => {
    const { at } = await serve([Tasks], { envelope: data => ({ success: true, data }) })
    expect(await (await at('/tasks')).json()).toEqual({ success: true, data: ['first'] })
    expect(await (await at('/tasks/7')).json()).toEqual({ id: '7' })
    const created = await at('/tasks', { method: 'POST' })
    expect([created.status, created.headers.get('location'), await created.json()]).toEqual([
      201,
      '/api/v1/tasks/7',
      { success: true, data: { id: 7 } },
    ])
  })

  test('answers HEAD with the headers of GET alone', async () => {
    const { at } = await serve([Tasks])
    const head = await at('/tasks', { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '9', ''])
  })
})

describe('where routes are', () => {
  test('an unknown route is a 404 problem', async () => {
    const { at } = await serve([Tasks])
    const response = await at('/nothing')
    expect([response.status, (await response.json()).code]).toEqual([404, 'ROUTE_NOT_FOUND'])
  })

  test('a known path with another method is a 405 that allows what all controllers take there', async () => {
    const { at } = await serve([Tasks, Bulk])
    const response = await at('/tasks/7', { method: 'PUT' })
    expect([response.status, (await response.json()).code]).toEqual([405, 'METHOD_NOT_ALLOWED'])
    expect(response.headers.get('allow')).toBe('GET, HEAD, DELETE, PATCH')
    const bulk = await at('/tasks/bulk', { method: 'PUT' })
    expect(bulk.headers.get('allow')).toBe('GET, HEAD, DELETE, PATCH, POST')
  })

  test('OPTIONS tells the methods of a known path and is a 404 elsewhere', async () => {
    const { at } = await serve([Tasks])
    const known = await at('/tasks', { method: 'OPTIONS' })
    expect([known.status, known.headers.get('allow')]).toEqual([204, 'GET, HEAD, POST'])
    expect((await at('/nothing', { method: 'OPTIONS' })).status).toBe(404)
  })

  test('a malformed escape in a path is a 400', async () => {
    const { at } = await serve([Tasks])
    const response = await at('/tasks/%zz')
    expect([response.status, (await response.json()).code]).toEqual([400, 'BAD_REQUEST'])
  })

  test('a target in full is routed, one that is no URL is a 404 problem', async () => {
    const { port } = await serve([Tasks])
    const known = raw(port)
    known.socket.write('GET http://vibed.test/api/v1/tasks/5?x=1 HTTP/1.1\r\nHost: x\r\n\r\n')
    await known.seen('{"id":"5"}')
    const broken = raw(port)
    broken.socket.write('GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n')
    expect(await broken.seen('ROUTE_NOT_FOUND')).toMatch(/^HTTP\/1.1 404 .*application\/problem\+json/s)
  })

  test('modules mount controllers and routers below the prefix and their version', async () => {
    const extra = express.Router().get('/raw', (_req, res) => {
      res.send('raw')
    })
    const mounted: string[] = []
    const { port } = await serveModules({
      apiPrefix: '/rest',
      defaultVersion: 2,
      adapters: [{ onRouteMount: (controller, path) => mounted.push(`${controller.name} ${path}`) }],
      modules: [
        class {
          routes() {
            return [
              { path: '/plain', router: extra },
              { path: '/old', controller: Tasks, version: 1 },
              { path: '/bare', controller: Bulk, version: false as const },
            ]
          }
        },
        { routes: () => ({ path: '/new', router: buildRoutes(Tasks), controller: Tasks }) },
        { routes: () => null },
      ],
    })
    const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`)
    expect(await (await get('/rest/v2/plain/raw')).text()).toBe('raw')
    expect(await (await get('/rest/v1/old/tasks/3')).json()).toEqual({ id: '3' })
    expect(await (await get('/rest/v2/new/tasks/4')).json()).toEqual({ id: '4' })
    expect(await (await fetch(`http://127.0.0.1:${port}/bare/tasks/bulk`, { method: 'POST' })).json()).toBe(
      'bulk',
    )
    const refused = await fetch(`http://127.0.0.1:${port}/rest/v2/new/tasks/4`, { method: 'PUT' })
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, DELETE, PATCH'])
    expect(mounted).toEqual(['Tasks /rest/v1/old', 'Bulk /bare', 'Tasks /rest/v2/new'])
  })

  test('the path of @Controller is a description, it moves no route', async () => {
    expect(getControllerPath(Tasks)).toBe('/named')
    const { at } = await serve([Tasks])
    expect((await at('/named/tasks')).status).toBe(404)
  })

  test('a module that mounts neither router nor controller fails the start', async () => {
    const modules = [{ routes: () => ({ path: '/empty' }) }]
    await expect(serveModules({ modules })).rejects.toThrow(
      '/api/v1/empty has neither a router nor a controller',
    )
  })
})

describe('the way to a handler', () => {
  const steps: string[] = []
  const step = (name: string) => (ctx: RequestContext, next: () => void) => {
    steps.push(`${name} ${ctx.body?.title}`)
    next()
  }
  const schemas = { params: z.object({ id: z.coerce.number() }), body: z.object({ title: z.string() }) }
  const Public = methodFlag<true>('public')

  @Middleware(step('class'))
  @Controller()
  class Guarded {
    @Post('/guarded/:id', schemas)
    @Middleware(step('method'), step('second'))
    add(ctx: RequestContext) {
      steps.push(`handler ${ctx.params.id} ${ctx.body.title} ${ctx.get('user')}`)
      return { done: true }
    }

    @Public(true)
    @Get('/open')
    open() {
      return 'open'
    }
  }

  test('is guards, body, class middleware, method middleware, validation, handler; on one context', async () => {
    const seen: RouteInfo[] = []
    const guard = (ctx: RequestContext, route: RouteInfo) => {
      seen.push(route)
      steps.push(`guard ${ctx.body}`)
      ctx.set('user', 'ann')
    }
    const { at } = await serve([Guarded], { guards: [guard] })
    steps.length = 0
    await at('/guarded/5', json('POST', { title: 'hello', more: 1 }))
    expect(steps).toEqual([
      'guard undefined',
      'class hello',
      'method hello',
      'second hello',
      'handler 5 hello ann',
    ])
    expect(seen).toEqual([
      { controller: Guarded, handler: 'add', method: 'post', path: '/api/v1/guarded/:id', schemas },
    ])
  })

  test('ends at a guard that refuses, before a byte of the body is read, unless the method is marked', async () => {
    const guard: RouteGuard = (_ctx, { controller, handler }) => {
      if (!Public.of(controller, handler)) throw HttpException.unauthorized()
    }
    const { at, port } = await serve([Guarded], { guards: [guard] })
    expect((await at('/open')).status).toBe(200)
    const client = raw(port)
    client.socket.write('POST /api/v1/guarded/5 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n')
    expect(await client.seen('UNAUTHORIZED')).toMatch(/^HTTP\/1.1 401 /)
  })

  test('ends at a guard or middleware that answers by itself', async () => {
    const { at } = await serve([Guarded], { guards: [async ctx => ctx.json({ stop: true }, 403)] })
    expect((await at('/open')).status).toBe(403)

    @Controller()
    class Stopped {
      @Get('/stopped')
      @Middleware((ctx: RequestContext) => ctx.json({ stop: true }, 418))
      stopped() {
        throw new Error('must not run')
      }
    }
    const stopped = await serve([Stopped])
    expect((await stopped.at('/stopped')).status).toBe(418)
  })

  test('ends with the error that middleware throws, rejects with or passes to next', async () => {
    const refuse = () => HttpException.forbidden('no')

    @Controller()
    class Refused {
      @Get('/throws')
      @Middleware(() => {
        throw refuse()
      })
      throws() {}

      @Get('/rejects')
      @Middleware(async () => Promise.reject(refuse()))
      rejects() {}

      @Get('/passes')
      @Middleware((_ctx: RequestContext, next: (error?: unknown) => void) => next(refuse()))
      passes() {}
    }
    const { at } = await serve([Refused])
    const responses = await Promise.all([at('/throws'), at('/rejects'), at('/passes')])
    expect(responses.map(response => response.status)).toEqual([403, 403, 403])
  })

  test('has interceptors around the handler of a valid request, the first one outermost', async () => {
    const around =
      (name: string): RouteInterceptor =>
      async (ctx, { handler }, next) => {
        steps.push(`${name} before ${handler} ${ctx.params.id}`)
        await next()
        steps.push(`${name} after ${ctx.res.statusCode} ${ctx.res.headersSent}`)
      }
    const { at } = await serve([Guarded], { interceptors: [around('a'), around('b')] })
    steps.length = 0
    await at('/guarded/none', json('POST', { title: 'x' }))
    expect(steps).toEqual(['class x', 'method x', 'second x'])
    steps.length = 0
    await at('/guarded/5', json('POST', { title: 'x' }))
    expect(steps.slice(3)).toEqual([
      'a before add 5',
      'b before add 5',
      'handler 5 x undefined',
      'b after 200 true',
      'a after 200 true',
    ])
  })

  test('ends at an interceptor that answers by itself, and passes errors out through it', async () => {
    const replay: RouteInterceptor = async ctx => ctx.json({ replayed: true })
    const replayed = await serve([Guarded], { interceptors: [replay] })
    expect(await (await replayed.at('/open')).json()).toEqual({ replayed: true })

    @Controller()
    class Refusing {
      @Get('/refuse')
      refuse() {
        throw HttpException.conflict()
      }
    }
    const seen: unknown[] = []
    const watching: RouteInterceptor = (_ctx, _route, next) =>
      next().catch(error => {
        seen.push(error.code)
        throw error
      })
    const watched = await serve([Refusing], { interceptors: [watching] })
    expect([(await watched.at('/refuse')).status, seen]).toEqual([409, ['CONFLICT']])
  })

  test('runs Express middleware before it, the application’s own first', async () => {
    const order: string[] = []
    const note =
      (name: string): express.RequestHandler =>
      (_req, _res, next) => {
        order.push(name)
        next()
      }
    const { at } = await serve([Tasks], {
      middleware: [note('own')],
      adapters: [{ middleware: () => [note('adapter')] }],
      guards: [() => void order.push('guard')],
    })
    await at('/tasks')
    expect(order).toEqual(['own', 'adapter', 'guard'])
  })
})

describe('controllers', () => {
  @Service()
  class Name {
    value = 'default'
  }

  @Controller()
  class Greeter {
    constructor(@Inject('name') private readonly name: Name) {}

    @Get('/greet')
    greet() {
      return `hello ${this.name.value}`
    }
  }

  test('two applications in one process serve the same controller, each from its own container', async () => {
    const named = (value: string) => new Container().registerInstance('name', { value })
    const router = buildRoutes(Greeter)
    const modules = [{ routes: () => ({ path: '/', router }) }]
    const [ann, bob] = await Promise.all([
      serve([Greeter], { container: named('ann') }),
      serveModules({ modules, container: named('bob'), guards: [ctx => ctx.set('only', 'bob')] }),
    ])
    expect(await (await ann.at('/greet')).json()).toBe('hello ann')
    expect(await (await bob.at('/greet')).json()).toBe('hello bob')
    const third = await serveModules({ modules, container: named('cid') })
    expect(await (await third.at('/greet')).json()).toBe('hello cid')
    expect(await (await bob.at('/greet')).json()).toBe('hello bob')
  })

  test('a missing dependency fails the start, not the first request', async () => {
    await expect(serve([Greeter])).rejects.toThrow('Greeter → name')
  })

  test('a transient controller is new for each request, a singleton is not', async () => {
    const counting = (): Class => {
      let made = 0
      return class {
        number = ++made
        get() {
          return this.number
        }
      }
    }
    const make = (options: Parameters<typeof Controller>[1]) => {
      const Counter = counting()
      Get('/count')(Counter.prototype, 'get')
      Controller('/', options)(Counter)
      return Counter
    }
    const single = await serve([make({})])
    const fresh = await serve([make({ scope: Scope.TRANSIENT })])
    const numbers = async ({ at }: typeof single) => [
      await (await at('/count')).json(),
      await (await at('/count')).json(),
    ]
    expect(new Set(await numbers(single)).size).toBe(1)
    expect(new Set(await numbers(fresh)).size).toBe(2)
  })

  test('a router of buildRoutes is not served without an application, where no guard would run', async () => {
    let failure: unknown
    const app = express()
      .use(buildRoutes(Tasks))
      .use(((error, _req, res, _next) => {
        failure = error
        res.sendStatus(500)
      }) as express.ErrorRequestHandler)
    const server = app.listen(0)
    const address = server.address()
    const port = address && typeof address === 'object' ? address.port : 0
    await fetch(`http://127.0.0.1:${port}/tasks`)
    server.close()
    expect(String(failure)).toContain('can only be served by an Application')
  })
})
