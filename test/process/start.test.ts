import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Api, register } from '../support/api.js'
import { ServerProcess, startServer, temporaryFolder } from '../support/process.js'

/** A generous bound: the figures are printed, and judged by whoever knows the machine. */
const FIRST_ANSWER_MS = 30_000

async function firstAnswer(env: Record<string, string>) {
  const begun = performance.now()
  const { server, origin } = await startServer(env)
  const { status, body } = await new Api(origin).get('/users/me')
  expect(status).toBe(401)
  expect(body.code).toBe('UNAUTHENTICATED')
  return { server, origin, ms: Math.round(performance.now() - begun) }
}

describe('start', () => {
  test('serves from an empty folder, and again from the same folder with what was stored there', async () => {
    const folder = temporaryFolder()
    const empty = await firstAnswer({ VIBED_DATA_DIR: folder })
    const ann = await register(empty.origin, 'Ann')
    empty.server.signal('SIGTERM')
    expect((await empty.server.ended).code).toBe(0)

    const warm = await firstAnswer({ VIBED_DATA_DIR: folder })
    const me = await new Api(warm.origin, ann.accessToken).data('GET', '/users/me')
    expect(me.email).toBe(ann.email)

    process.stdout.write(
      `First answer after ${empty.ms} ms on an empty folder, ${warm.ms} ms on a warm one\n`,
    )
    expect(empty.ms).toBeLessThan(FIRST_ANSWER_MS)
    expect(warm.ms).toBeLessThan(FIRST_ANSWER_MS)
  })

  test('needs no variable at all: its data goes to .vibed where it was started', async () => {
    const here = temporaryFolder()
    const server = new ServerProcess({ PORT: '0' }, here)
    await register(await server.origin(), 'Ann')
    expect(readdirSync(here)).toEqual(['.vibed'])
    expect(existsSync(join(here, '.vibed', 'data', 'PG_VERSION'))).toBe(true)
  })

  test('keeps the secret it made where only its own user can read it', async () => {
    const folder = temporaryFolder()
    await startServer({ VIBED_DATA_DIR: folder })
    expect(statSync(join(folder, 'secrets.json')).mode & 0o077).toBe(0)
  })
})
