import { buffer } from 'node:stream/consumers'
import { Controller, Delete, Get, Post } from '@forinda/kickjs-core'
import type { RequestContext, RouteContext } from '@forinda/kickjs-http'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { json, raw, serve } from './harness.js'

const listTasks = {
  params: z.object({ projectId: z.uuid() }),
  query: z.strictObject({
    limit: z.coerce.number().int().min(1).max(100).default(50),
    q: z.string().optional(),
  }),
}
const addTask = {
  body: z.strictObject({ title: z.string().min(1), labels: z.array(z.string()).default([]) }),
}

const either = {
  body: z.union([
    z.strictObject({ box: z.array(z.strictObject({ title: z.string() })) }),
    z.strictObject({ id: z.string(), label: z.strictObject({ name: z.string() }) }),
  ]),
}

@Controller()
class Tasks {
  @Post('/either', either)
  either({ body }: RouteContext<typeof either>) {
    return body
  }

  @Get('/projects/:projectId/tasks', listTasks)
  list({ params, query, body }: RouteContext<typeof listTasks>) {
    expectTypeOf(params).toEqualTypeOf<{ projectId: string }>()
    expectTypeOf(query).toEqualTypeOf<{ limit: number; q?: string | undefined }>()
    expectTypeOf(body).toEqualTypeOf<unknown>()
    return { params, query }
  }

  @Post('/tasks', addTask)
  add({ params, body }: RouteContext<typeof addTask>) {
    expectTypeOf(params).toEqualTypeOf<Record<string, string>>()
    expectTypeOf(body).toEqualTypeOf<{ title: string; labels: string[] }>()
    return { body, proto: Object.getPrototypeOf(body) === Object.prototype }
  }

  @Post('/raw')
  raw(ctx: RequestContext) {
    return { body: ctx.body ?? 'none', query: ctx.query }
  }

  @Post('/pictures', { consumes: 'image/png' })
  async picture(ctx: RequestContext) {
    return { body: ctx.body ?? 'none', sent: (await buffer(ctx.req)).length }
  }

  @Delete('/tasks', addTask)
  removeLike({ body }: RouteContext<typeof addTask>) {
    return body
  }

  @Get('/plain')
  plain(ctx: RequestContext) {
    return { body: ctx.body ?? 'none' }
  }
}

const project = '0190a5f0-7000-7000-8000-000000000001'

async function problem(response: Response) {
  const { status, code, errors } = await response.json()
  expect(response.status).toBe(status)
  return { status, code, paths: errors?.map((error: { path: string }) => error.path) }
}

describe('params and query', () => {
  test('reach the handler as their schemas put them out, with defaults', async () => {
    const { at } = await serve([Tasks])
    expect(await (await at(`/projects/${project}/tasks?q=x`)).json()).toEqual({
      params: { projectId: project },
      query: { limit: 50, q: 'x' },
    })
  })

  test('at fault are named together in one 422', async () => {
    const { at } = await serve([Tasks])
    expect(await problem(await at('/projects/nonsense/tasks?limit=1000&page=2&sort=x'))).toEqual({
      status: 422,
      code: 'VALIDATION_ERROR',
      paths: ['params.projectId', 'query.limit', 'query.page', 'query.sort'],
    })
  })

  test('a repeated parameter is a list and no string', async () => {
    const { at } = await serve([Tasks])
    expect((await problem(await at(`/projects/${project}/tasks?q=a&q=b`))).paths).toEqual(['query.q'])
    expect((await problem(await at(`/projects/${project}/tasks?q[a]=b`))).paths).toEqual(['query.q[a]'])
  })

  test('without a schema stay as they were sent', async () => {
    const { at } = await serve([Tasks])
    const { query } = await (await at('/raw?a=1&a=2&b=%00', { method: 'POST' })).json()
    expect(query).toEqual({ a: ['1', '2'], b: '\0' })
  })
})

describe('a body', () => {
  test('reaches the handler as its schema puts it out, also with DELETE', async () => {
    const { at } = await serve([Tasks])
    const added = await at('/tasks', json('POST', { title: 'hello' }))
    expect((await added.json()).body).toEqual({ title: 'hello', labels: [] })
    const removed = await at('/tasks', json('DELETE', { title: 'hello' }))
    expect((await removed.json()).title).toBe('hello')
    const merge = json('POST', { title: 'hello' }, { 'content-type': 'application/merge-patch+json' })
    expect((await at('/tasks', merge)).status).toBe(200)
  })

  test('at fault is a 422 that names each field, unknown ones too', async () => {
    const { at } = await serve([Tasks])
    const response = await at('/tasks', json('POST', { title: 1, labels: ['a', 2], x: 1, y: 2 }))
    expect(await problem(response)).toEqual({
      status: 422,
      code: 'VALIDATION_ERROR',
      paths: ['body.title', 'body.labels.1', 'body.x', 'body.y'],
    })
  })

  test.each([
    [{ box: [{ title: 1, x: 1 }] }, ['body.box.0.title', 'body.box.0.x']],
    [{ box: [], y: 1, z: 1 }, ['body.y', 'body.z']],
    [{ id: 1 }, ['body.id', 'body.label']],
    [{ id: 'a', label: {} }, ['body.label.name']],
    [{}, ['body.box']],
    [[], ['body']],
  ])(
    'that may be one of several is held against the one that it comes closest to: %j',
    async (body, paths) => {
      const { at } = await serve([Tasks])
      expect((await problem(await at('/either', json('POST', body)))).paths).toEqual(paths)
    },
  )

  test('that is missing is validated as an empty one', async () => {
    const { at } = await serve([Tasks])
    expect((await problem(await at('/tasks', { method: 'POST' }))).paths).toEqual(['body.title'])
  })

  test('with thousands of faults is answered with the first fifty', async () => {
    const { at } = await serve([Tasks])
    const wrong = json('POST', { title: 'x', labels: Array(5000).fill(0) })
    expect((await problem(await at('/tasks', wrong))).paths).toHaveLength(50)
    const unknown = json('POST', Object.fromEntries(Array.from({ length: 5000 }, (_, key) => [`k${key}`, 1])))
    expect((await problem(await at('/tasks', unknown))).paths).toHaveLength(50)
  })

  test.each([
    ['not JSON', '{"title":', {}, 400, 'MALFORMED_JSON'],
    ['a bare value', '"title"', {}, 400, 'MALFORMED_JSON'],
    ['too large', JSON.stringify({ title: 'x'.repeat(1100) }), {}, 413, 'PAYLOAD_TOO_LARGE'],
    [
      'a form',
      'title=x',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['of a nonsense type', '{}', { 'content-type': 'json;;"' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [
      'in another charset',
      '{}',
      { 'content-type': 'application/json; charset=latin1' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['in an unknown encoding', '{}', { 'content-encoding': 'rot13' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['not what its encoding says', '{}', { 'content-encoding': 'gzip' }, 400, 'BAD_REQUEST'],
  ])('that is %s is refused', async (_what, body, headers, status, code) => {
    const { at } = await serve([Tasks], { bodyLimit: 1024 })
    const init = { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } }
    expect(await problem(await at('/tasks', init))).toMatchObject({ status, code })
    expect((await at('/plain')).status).toBe(200)
  })

  test('with __proto__ pollutes nothing', async () => {
    const { at } = await serve([Tasks])
    const body = '{"title":"x","__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'
    const headers = { 'content-type': 'application/json' }
    expect((await at('/tasks', { method: 'POST', body, headers })).status).toBe(422)
    expect((await at('/raw', { method: 'POST', body, headers })).status).toBe(200)
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
  })

  test('without a schema is the JSON as sent, and of any other type is left unread', async () => {
    const { at } = await serve([Tasks])
    expect((await (await at('/raw', json('POST', [1, 2]))).json()).body).toEqual([1, 2])
    const form = await at('/raw', { method: 'POST', body: new URLSearchParams({ a: 'b'.repeat(300_000) }) })
    expect((await form.json()).body).toBe('none')
  })

  test('of the type that a route consumes is left for its handler, and of any other refused', async () => {
    const { at } = await serve([Tasks])
    const send = (type: string, body: string | Uint8Array<ArrayBuffer>) =>
      at('/pictures', { method: 'POST', body, headers: { 'content-type': type } })
    const picture = await send('image/png', new Uint8Array(2_000_000))
    expect(await picture.json()).toEqual({ body: 'none', sent: 2_000_000 })
    for (const type of ['image/jpeg', 'application/json', 'text/plain']) {
      expect((await problem(await send(type, '{}'))).status).toBe(415)
    }
    expect((await at('/pictures', { method: 'POST' })).status).toBe(415)
  })

  test('sent with GET is ignored and the connection goes on', async () => {
    const { port } = await serve([Tasks])
    const client = raw(port)
    const head =
      'GET /api/v1/plain HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n'
    client.socket.write(`${head}nonse`)
    await client.seen('"none"')
    client.socket.write('GET /api/v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n')
    await client.seen('ROUTE_NOT_FOUND')
  })
})
