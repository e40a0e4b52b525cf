import { once } from 'node:events'
import { Controller, Get, HttpException, Middleware, Post } from '@forinda/kickjs-core'
import type { RequestContext } from '@forinda/kickjs-http'
import { describe, expect, test } from 'vitest'
import { logged, raw, serve, until } from './harness.js'

@Controller()
class Failing {
  @Get('/gone')
  gone() {
    throw new HttpException(410, 'It was deleted', {
      code: 'TASK_GONE',
      errors: [{ path: 'params.id', message: 'deleted' }],
      headers: { 'X-Hint': 'look elsewhere' },
      details: { deletedBy: 'ann', status: 'hidden' },
    })
  }

  @Get('/busy')
  async busy() {
    throw HttpException.tooManyRequests('Slow down', { code: 'RATE_LIMITED', retryAfterMs: 1200 })
  }

  @Get('/broken')
  broken(ctx: RequestContext) {
    ctx.res.set({ ETag: '"1"', 'Content-Disposition': 'attachment' })
    throw new Error('the password is hunter2')
  }

  @Get('/nothing')
  nothing() {
    return Promise.reject(undefined)
  }

  @Get('/foreign')
  foreign() {
    throw Object.assign(new Error('from some API client'), { status: 404 })
  }

  @Get('/circular')
  circular() {
    return { big: 10n }
  }

  @Get('/halfway')
  halfway(ctx: RequestContext) {
    ctx.res.write('half')
    throw new Error('halfway')
  }

  @Get('/afterwards')
  afterwards(ctx: RequestContext) {
    ctx.json({ whole: true })
    throw new Error('afterwards')
  }

  @Get('/late')
  @Middleware((_ctx: RequestContext, next: () => void) => {
    next()
    throw new Error('too late')
  })
  late() {
    return 'fine'
  }

  @Post('/upload')
  upload() {
    return 'uploaded'
  }
}

describe('an error', () => {
  test('is a problem of RFC 9457 with what the exception says', async () => {
    const { at } = await serve([Failing])
    const response = await at('/gone', { headers: { 'x-request-id': 'req-1' } })
    expect(response.status).toBe(410)
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(response.headers.get('x-hint')).toBe('look elsewhere')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.json()).toEqual({
      success: false,
      type: 'urn:problem:task-gone',
      title: 'Gone',
      status: 410,
      code: 'TASK_GONE',
      detail: 'It was deleted',
      errors: [{ path: 'params.id', message: 'deleted' }],
      requestId: 'req-1',
      deletedBy: 'ann',
    })
    expect(logged).toEqual([])
  })

  test('that asks to wait says so in the body and, in whole seconds, in the header', async () => {
    const { at } = await serve([Failing])
    const response = await at('/busy')
    expect(response.headers.get('retry-after')).toBe('2')
    expect((await response.json()).retryAfterMs).toBe(1200)
  })

  test.each(['/broken', '/nothing', '/foreign', '/circular'])(
    'that nobody meant to show is a 500 that tells nothing (%s)',
    async path => {
      const { at } = await serve([Failing])
      const response = await at(path)
      expect(response.headers.get('etag')).toBeNull()
      expect(response.headers.get('content-disposition')).toBeNull()
      expect(await response.json()).toMatchObject({
        status: 500,
        code: 'INTERNAL_SERVER_ERROR',
        detail: 'Something went wrong on our side',
      })
    },
  )

  test('of a 500 is logged with its stack and the request id, without the query string', async () => {
    const { at } = await serve([Failing])
    await at('/broken?ticket=secret-ticket', { headers: { 'x-request-id': 'req-2' } })
    expect(logged).toHaveLength(1)
    const entry = JSON.parse(logged.join())
    expect(entry).toMatchObject({ requestId: 'req-2', method: 'GET', path: '/api/v1/broken' })
    expect(entry.err.stack).toContain('errors.test.ts')
    expect(logged.join()).not.toContain('secret-ticket')
  })

  test('after half of the answer cuts the connection, so that nobody takes it for the whole', async () => {
    const { at } = await serve([Failing])
    await expect(at('/halfway').then(response => response.text())).rejects.toThrow()
    expect(logged.join()).toContain('halfway')
  })

  test('after the whole answer is logged and spoils nothing', async () => {
    const { at } = await serve([Failing])
    expect(await (await at('/afterwards')).json()).toEqual({ whole: true })
    expect(await (await at('/late')).json()).toBe('fine')
    expect(logged.join()).toContain('afterwards')
    expect(logged.join()).toContain('too late')
  })

  test('is none when the client goes away while it sends the body', async () => {
    const { app, port } = await serve([Failing])
    const client = raw(port)
    client.socket.write(
      'POST /api/v1/upload HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a":',
    )
    const [req] = await once(app.getHttpServer(), 'request')
    client.socket.destroy()
    await until(() => req.destroyed && logged.length > 0)
    expect(logged.join()).toContain('The client went away')
    expect(logged.join()).not.toContain('"level":50')
  })
})

describe('a request id', () => {
  test('of the caller is kept and echoed', async () => {
    const { at } = await serve([Failing])
    const response = await at('/gone', { headers: { 'x-request-id': 'Abc-1.2_3' } })
    expect(response.headers.get('x-request-id')).toBe('Abc-1.2_3')
    expect((await response.json()).requestId).toBe('Abc-1.2_3')
  })

  test.each(['', 'has space', 'x'.repeat(129), '<script>'])('such as %j is replaced', async given => {
    const { at } = await serve([Failing])
    const response = await at('/gone', { headers: { 'x-request-id': given } })
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })
})
