import { HttpException, HttpStatus } from '@forinda/kickjs-core'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'

test.each([
  ['badRequest', 400, 'BAD_REQUEST', 'Bad Request'],
  ['unauthorized', 401, 'UNAUTHORIZED', 'Unauthorized'],
  ['forbidden', 403, 'FORBIDDEN', 'Forbidden'],
  ['notFound', 404, 'NOT_FOUND', 'Not Found'],
  ['conflict', 409, 'CONFLICT', 'Conflict'],
  ['gone', 410, 'GONE', 'Gone'],
  ['preconditionFailed', 412, 'PRECONDITION_FAILED', 'Precondition Failed'],
  ['payloadTooLarge', 413, 'PAYLOAD_TOO_LARGE', 'Payload Too Large'],
  ['unsupportedMediaType', 415, 'UNSUPPORTED_MEDIA_TYPE', 'Unsupported Media Type'],
  ['unprocessable', 422, 'UNPROCESSABLE_ENTITY', 'Unprocessable Entity'],
  ['tooManyRequests', 429, 'TOO_MANY_REQUESTS', 'Too Many Requests'],
  ['internal', 500, 'INTERNAL_SERVER_ERROR', 'Internal Server Error'],
  ['serviceUnavailable', 503, 'SERVICE_UNAVAILABLE', 'Service Unavailable'],
] as const)('HttpException.%s() is a %i', (name, status, code, message) => {
  const exception = HttpException[name]()
  expect(exception).toBeInstanceOf(HttpException)
  expect(exception).toBeInstanceOf(Error)
  expect(exception).toMatchObject({ name: 'HttpException', status, code, message, headers: {} })
  expect(HttpException[name]('Other words', { code: 'OTHER' })).toMatchObject({
    status,
    code: 'OTHER',
    message: 'Other words',
  })
})

describe('an HttpException', () => {
  test('carries the fields at fault, headers, a wait, details and its cause', () => {
    const cause = new Error('quota')
    const errors = [{ path: 'body.title', message: 'Required' }]
    const headers = { 'WWW-Authenticate': 'Bearer' }
    const exception = new HttpException(HttpStatus.TOO_MANY_REQUESTS, 'Slow down', {
      errors,
      headers,
      retryAfterMs: 1500,
      details: { limit: 5 },
      cause,
    })
    expect(exception).toMatchObject({ errors, headers, retryAfterMs: 1500, details: { limit: 5 }, cause })
  })

  test('has a code for a status without a name too', () => {
    expect(new HttpException(418, 'Teapot').code).toBe('HTTP_418')
  })

  test('is thrown with the stack of its caller', () => {
    expect(HttpException.notFound().stack).toContain('http-exception.test')
  })

  test('of a zod error lists each field by its path', () => {
    const task = z.object({ title: z.string(), labels: z.array(z.object({ name: z.string() })) })
    const { error } = task.safeParse({ title: 1, labels: [{ name: 'ok' }, {}] })
    if (!error) throw new Error('should not parse')
    const exception = HttpException.fromZodError(error)
    expect(exception).toMatchObject({
      status: 422,
      code: 'VALIDATION_ERROR',
      message: 'Validation failed',
      cause: error,
    })
    expect(exception.errors?.map(({ path }) => path)).toEqual(['title', 'labels.1.name'])
  })
})
