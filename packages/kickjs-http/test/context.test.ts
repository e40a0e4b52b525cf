import { Controller, Get, Put } from '@forinda/kickjs-core'
import { type ParsedQuery, parseQuery, type RequestContext } from '@forinda/kickjs-http'
import { describe, expect, test } from 'vitest'
import { raw, serve } from './harness.js'

@Controller()
class Answers {
  @Get('/teapot')
  teapot(ctx: RequestContext) {
    ctx.json({ teapot: true }, 418)
  }

  @Get('/missing')
  missing(ctx: RequestContext) {
    return ctx.notFound('No such task')
  }

  @Get('/bad')
  bad(ctx: RequestContext) {
    return ctx.badRequest()
  }

  @Get('/page')
  page(ctx: RequestContext) {
    ctx.html('<h1>hi</h1>')
  }

  @Get('/file')
  file(ctx: RequestContext) {
    ctx.download(Buffer.from('<script>'), 'na\r\nïve "file".html', 'text/html')
  }

  @Get('/rows')
  rows(ctx: RequestContext) {
    return ctx.paginate<number>(({ pagination }) => ({ data: [pagination.offset], total: 42 }))
  }

  @Get('/me')
  me(ctx: RequestContext) {
    return { user: ctx.user, kept: ctx.get<string>('kept'), missing: ctx.get('missing') ?? null }
  }

  @Put('/versioned')
  @Get('/versioned')
  versioned(ctx: RequestContext) {
    ctx.res.set('ETag', '"7"')
    return { id: ctx.requestId, agent: ctx.headers['user-agent'] }
  }
}

describe('a context', () => {
  test('answers with JSON, HTML and problems', async () => {
    const { at } = await serve([Answers])
    expect([(await at('/teapot')).status, (await at('/page')).headers.get('content-type')]).toEqual([
      418,
      'text/html; charset=utf-8',
    ])
    expect(await (await at('/missing')).json()).toMatchObject({ code: 'NOT_FOUND', detail: 'No such task' })
    expect(await (await at('/bad')).json()).toMatchObject({ code: 'BAD_REQUEST', status: 400 })
  })

  test('offers a file whose name cannot break the header and whose type is not guessed', async () => {
    const { at } = await serve([Answers])
    const { headers } = await at('/file')
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-disposition')).toMatch(/^attachment; filename="na__.*file/)
  })

  test('knows the user that a guard has set, and is a 401 where none has', async () => {
    const user = { id: 'u1' }
    const { at } = await serve([Answers], {
      guards: [
        ctx => {
          ctx.set('user', user)
          ctx.set('kept', 'here')
        },
      ],
    })
    expect(await (await at('/me')).json()).toEqual({ user, kept: 'here', missing: null })
    const anonymous = await serve([Answers])
    expect((await anonymous.at('/me')).status).toBe(401)
  })

  test('leaves ETags to the application, which then get their 304', async () => {
    const { at, port } = await serve([Answers])
    expect((await at('/teapot')).headers.get('etag')).toBeNull()
    expect((await at('/teapot')).headers.get('x-powered-by')).toBeNull()
    expect((await at('/versioned')).headers.get('etag')).toBe('"7"')
    const client = raw(port)
    client.socket.write('GET /api/v1/versioned HTTP/1.1\r\nHost: x\r\nIf-None-Match: "7"\r\n\r\n')
    expect(await client.seen('\r\n\r\n')).toMatch(/^HTTP\/1.1 304 /)
  })

  test('pages rows by ?page and ?limit and says where the page stands', async () => {
    const { at } = await serve([Answers])
    expect(await (await at('/rows?page=3&limit=20')).json()).toEqual({
      data: [40],
      meta: { page: 3, limit: 20, total: 42, totalPages: 3, hasNext: false, hasPrev: true },
    })
    expect((await (await at('/rows')).json()).meta).toMatchObject({ page: 1, limit: 20, hasNext: true })
  })
})

describe('a parsed query', () => {
  const empty: ParsedQuery = {
    filters: [],
    sort: [],
    pagination: { page: 1, limit: 20, offset: 0 },
    search: '',
  }

  test('has filters whose values may hold colons, sorts, a page and a search', () => {
    const query = {
      filter: ['status:eq:open', 'dueDate:gte:2025-01-01T00:00:00'],
      sort: 'createdAt:desc',
      page: '2',
      limit: '10',
      q: 'deploy script',
    }
    expect(parseQuery(query)).toEqual({
      filters: [
        { field: 'status', operator: 'eq', value: 'open' },
        { field: 'dueDate', operator: 'gte', value: '2025-01-01T00:00:00' },
      ],
      sort: [{ field: 'createdAt', direction: 'desc' }],
      pagination: { page: 2, limit: 10, offset: 10 },
      search: 'deploy script',
    })
  })

  test('leaves out fields that are not in the lists', () => {
    const query = { filter: ['status:eq:open', 'secret:eq:1'], sort: ['secret:asc', 'title:asc'] }
    expect(parseQuery(query, { filterable: ['status'], sortable: ['title'] })).toMatchObject({
      filters: [{ field: 'status' }],
      sort: [{ field: 'title' }],
    })
  })

  test('of nonsense is the default', () => {
    const query = { filter: ['a:b', 'a:like:b', ':eq:1'], sort: ['a', 'a:up'], page: '-1', limit: '1e999' }
    expect(parseQuery(query)).toEqual(empty)
    expect(parseQuery({})).toEqual(empty)
  })

  test('is bounded to 100 rows and 200 characters', () => {
    const { pagination, search } = parseQuery({ limit: '100000', q: 'x'.repeat(500) })
    expect([pagination.limit, search.length]).toEqual([100, 200])
  })
})
