import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApp, type TestApp } from '../../support/app.js'

const page = 'https://app.example.com'
let app: TestApp
let closed: TestApp
beforeAll(async () => {
  app = await startApp({ config: { corsOrigins: [`${page}/`, 'http://localhost:5173'] } })
  closed = await startApp()
})
afterAll(async () => {
  await app?.stop()
  await closed?.stop()
})

const ask = (path: string, headers: Record<string, string> = {}, method = 'GET', origin = app.origin) =>
  fetch(`${origin}/api/v1${path}`, { method, headers })

test('every answer forbids frames, sniffing and caching', async () => {
  for (const path of ['/users/me', '/nothing']) {
    const { headers } = await ask(path)
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-security-policy')).toContain("default-src 'self'")
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'")
    expect(headers.get('content-security-policy')).not.toContain('upgrade-insecure-requests')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-powered-by')).toBeNull()
  }
})

describe('a page of another origin', () => {
  test('that is listed may call with credentials', async () => {
    for (const origin of [page, 'http://localhost:5173']) {
      const { status, headers } = await ask('/users/me', { origin })
      expect(status).toBe(401)
      expect(headers.get('access-control-allow-origin')).toBe(origin)
      expect(headers.get('access-control-allow-credentials')).toBe('true')
      expect(headers.get('access-control-expose-headers')).toContain('Retry-After')
      expect(headers.get('vary')).toContain('Origin')
    }
  })

  test('that is listed is told in a preflight what it may send', async () => {
    const { status, headers } = await ask(
      '/auth/login',
      {
        origin: page,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      },
      'OPTIONS',
    )
    expect(status).toBe(204)
    expect(headers.get('access-control-allow-methods')).toContain('PATCH')
    expect(headers.get('access-control-allow-headers')).toContain('Idempotency-Key')
    expect(headers.get('access-control-allow-origin')).toBe(page)
  })

  test('that is not listed gets no permission', async () => {
    const preflight = { 'access-control-request-method': 'POST' }
    for (const origin of ['https://evil.example.com', `${page}.evil.com`, 'null', 'http://app.example.com']) {
      for (const [headers, method] of [
        [{ origin }, 'GET'] as const,
        [{ origin, ...preflight }, 'OPTIONS'] as const,
      ]) {
        const answer = await ask('/users/me', headers, method)
        expect(answer.headers.get('access-control-allow-origin')).toBeNull()
        expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
      }
    }
  })

  test('gets none where none is listed', async () => {
    const { headers } = await ask('/users/me', { origin: page }, 'GET', closed.origin)
    expect([...headers.keys()].filter(name => name.startsWith('access-control'))).toEqual([])
  })
})
