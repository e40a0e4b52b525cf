import {
  Controller,
  Delete,
  Get,
  getControllerPath,
  Middleware,
  methodFlag,
  middlewareOf,
  Patch,
  Post,
  Put,
  type RequestHandler,
  routesOf,
} from '@forinda/kickjs-core'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

/** Middleware that can be told apart by name. */
function step(name: string): RequestHandler {
  return Object.defineProperty((_ctx: unknown, next: () => void) => next(), 'name', { value: name })
}

const namesOf = (steps: readonly RequestHandler[]) => steps.map(({ name }) => name)
const pathsOf = (controller: Parameters<typeof routesOf>[0]) =>
  routesOf(controller).map(({ method, path, handler }) => `${method} ${path} ${handler}`)

const Public = methodFlag<true>('public')
const Limit = methodFlag<number>('limit')

@Controller('/tasks')
@Middleware(step('authenticate'), step('count'))
@Middleware(step('workspace'))
class TasksController {
  @Get('/') list() {}

  @Post('/', { body: z.object({ title: z.string() }), name: 'createTask' })
  @Middleware(step('editor'), step('limit'))
  @Middleware(step('audit'))
  create() {}

  @Get('/:taskId')
  @Get('/by-key/:key')
  @Public(true)
  @Limit(10)
  byId() {}

  @Put('/:taskId') @Limit(2) replace() {}
  @Patch('/:taskId') patch() {}
  @Delete() remove() {}
  unrouted() {}
}

describe('a controller', () => {
  test('has its routes in the order written, several on one method included', () => {
    expect(pathsOf(TasksController)).toEqual([
      'get / list',
      'post / create',
      'get /:taskId byId',
      'get /by-key/:key byId',
      'put /:taskId replace',
      'patch /:taskId patch',
      'delete / remove',
    ])
  })

  test('keeps the schemas of a route', () => {
    const create = routesOf(TasksController).find(route => route.handler === 'create')
    expect(create?.schemas.name).toBe('createTask')
    expect(create?.schemas.body?.safeParse({ title: 'x' })).toEqual({ success: true, data: { title: 'x' } })
    expect(create?.schemas.body?.safeParse({}).success).toBe(false)
  })

  test('runs middleware of the class, then of the method, each as read from the top', () => {
    expect(namesOf(middlewareOf(TasksController, 'list'))).toEqual(['authenticate', 'count', 'workspace'])
    expect(namesOf(middlewareOf(TasksController, 'create'))).toEqual([
      'authenticate',
      'count',
      'workspace',
      'editor',
      'limit',
      'audit',
    ])
  })

  test('knows its path, and a class that is none has no path and no routes', () => {
    class Plain {}
    @Controller()
    class Root {}
    expect(getControllerPath(TasksController)).toBe('/tasks')
    expect(getControllerPath(Root)).toBe('/')
    expect(getControllerPath(Plain)).toBeUndefined()
    expect(routesOf(Plain)).toEqual([])
    expect(middlewareOf(Plain, 'list')).toEqual([])
  })
})

describe('a flag', () => {
  test('is read back by method, with its value', () => {
    expect(Public.of(TasksController, 'byId')).toBe(true)
    expect(Limit.of(TasksController, 'byId')).toBe(10)
    expect(Limit.of(TasksController, 'replace')).toBe(2)
    expect(Public.of(TasksController, 'replace')).toBeUndefined()
    expect(Public.of(TasksController, 'nowhere')).toBeUndefined()
  })

  test('is not another flag of the same name', () => {
    expect(methodFlag<true>('public').of(TasksController, 'byId')).toBeUndefined()
  })
})

describe('a subclass', () => {
  @Controller('/issues')
  @Middleware(step('beta'))
  class IssuesController extends TasksController {
    @Get('/all') @Middleware(step('cached')) override list() {}
    @Middleware(step('strict')) override create() {}
    @Limit(99) override byId() {}
    override patch() {}
    @Get('/mine') mine() {}
  }

  test('inherits routes, and one decorated again replaces that of its parent', () => {
    expect(pathsOf(IssuesController)).toEqual([
      'post / create',
      'get /:taskId byId',
      'get /by-key/:key byId',
      'put /:taskId replace',
      'patch /:taskId patch',
      'delete / remove',
      'get /all list',
      'get /mine mine',
    ])
    expect(getControllerPath(IssuesController)).toBe('/issues')
  })

  test('adds to the middleware of its parent and drops none', () => {
    const inherited = ['authenticate', 'count', 'workspace', 'beta']
    expect(namesOf(middlewareOf(IssuesController, 'mine'))).toEqual(inherited)
    expect(namesOf(middlewareOf(IssuesController, 'list'))).toEqual([...inherited, 'cached'])
    expect(namesOf(middlewareOf(IssuesController, 'create'))).toEqual([
      ...inherited,
      'editor',
      'limit',
      'audit',
      'strict',
    ])
  })

  test('overrides one flag and keeps the others', () => {
    expect(Limit.of(IssuesController, 'byId')).toBe(99)
    expect(Public.of(IssuesController, 'byId')).toBe(true)
    expect(Limit.of(IssuesController, 'replace')).toBe(2)
  })

  test('changes nothing about its parent', () => {
    expect(pathsOf(TasksController)[0]).toBe('get / list')
    expect(namesOf(middlewareOf(TasksController, 'create'))).not.toContain('strict')
    expect(Limit.of(TasksController, 'byId')).toBe(10)
  })
})
