import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { type Ending, refusedStart, temporaryFolder } from '../support/process.js'

/** One line for the operator that says what is wrong and what to do, and nothing else. */
function expectOneLine({ code, signal, stdout, stderr }: Ending, ...said: string[]) {
  expect({ code, signal, stdout }, stderr).toEqual({ code: 1, signal: null, stdout: '' })
  expect(stderr.endsWith('\n')).toBe(true)
  expect(stderr.trimEnd().split('\n'), stderr).toHaveLength(1)
  expect(stderr).not.toMatch(/\bat .*:\d+:\d+/)
  for (const text of said) expect(stderr).toContain(text)
}

async function takenPort(): Promise<number> {
  const other = createServer()
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void other.close())
  const address = other.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>(resolve => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise(resolve => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** A folder that the server's user cannot write in. Root may write in every ordinary one. */
function unwritableFolder(): string {
  if (process.getuid?.() === 0) return '/sys/vibed'
  const parent = temporaryFolder()
  chmodSync(parent, 0o555)
  onTestFinished(() => chmodSync(parent, 0o755))
  return join(parent, 'data')
}

describe('a server that cannot start says why in one line', () => {
  test.each([
    ['PORT', 'eighty'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['DATABASE_URL', 'mysql://127.0.0.1/vibed'],
    ['DATABASE_URL', 'not a url'],
    ['DATABASE_POOL_SIZE', '0'],
    ['REDIS_URL', 'http://127.0.0.1'],
    ['JWT_SECRET', 'too short'],
    ['JWT_ACCESS_EXPIRES_IN', '15'],
    ['JWT_REFRESH_EXPIRES_IN', 'forever'],
    ['CORS_ORIGINS', 'example.com'],
    ['TRUST_PROXY', 'yes'],
    ['RATE_LIMITS', 'maybe'],
    ['LOG_LEVEL', 'loud'],
  ])('%s=%s', async (name, value) => {
    const folder = temporaryFolder()
    expectOneLine(await refusedStart({ VIBED_DATA_DIR: folder, [name]: value }), `${name} `, '.env.example')
  })

  test('several wrong variables are all named', async () => {
    const ending = await refusedStart({ PORT: 'x', LOG_LEVEL: 'y', RATE_LIMITS: 'z' })
    expectOneLine(ending, 'PORT ', 'LOG_LEVEL ', 'RATE_LIMITS ')
  })

  test('a secret that is too short is not shown', async () => {
    const { stderr } = await refusedStart({ JWT_SECRET: 'hunter2' })
    expect(stderr).not.toContain('hunter2')
  })

  test('the port is in use', async () => {
    const port = String(await takenPort())
    const ending = await refusedStart({ VIBED_DATA_DIR: temporaryFolder(), PORT: port })
    expectOneLine(ending, `127.0.0.1:${port}`, 'set PORT')
  })

  test('the address is not one of this machine', async () => {
    const ending = await refusedStart({ VIBED_DATA_DIR: temporaryFolder(), HOST: '192.0.2.1' })
    expectOneLine(ending, '192.0.2.1', 'correct HOST')
  })

  test('the address is a name that nobody knows', async () => {
    const ending = await refusedStart({ VIBED_DATA_DIR: temporaryFolder(), HOST: 'nowhere.invalid' })
    expectOneLine(ending, 'nowhere.invalid', 'correct HOST')
  })

  test('the database is away', async () => {
    const where = `127.0.0.1:${await freePort()}/vibed`
    const url = `postgres://someone:swordfish@${where}`
    const ending = await refusedStart({ VIBED_DATA_DIR: temporaryFolder(), DATABASE_URL: url })
    expectOneLine(ending, where, 'DATABASE_URL')
    expect(ending.stderr).not.toContain('swordfish')
  })

  test('the database does not exist', async () => {
    const url = new URL(inject('postgresUrl'))
    url.pathname = '/there_is_no_such_database'
    const ending = await refusedStart({ VIBED_DATA_DIR: temporaryFolder(), DATABASE_URL: url.href })
    expectOneLine(ending, 'there_is_no_such_database', 'DATABASE_URL')
  })

  test('the data folder is a file', async () => {
    const file = join(temporaryFolder(), 'file')
    writeFileSync(file, '')
    expectOneLine(await refusedStart({ VIBED_DATA_DIR: file }), file, 'VIBED_DATA_DIR')
  })

  test('the data folder cannot be written', async () => {
    const folder = unwritableFolder()
    expectOneLine(await refusedStart({ VIBED_DATA_DIR: folder }), folder, 'VIBED_DATA_DIR')
  })

  test('the data folder holds something that is no database', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'data'))
    writeFileSync(join(folder, 'data', 'PG_VERSION'), 'nonsense')
    expectOneLine(await refusedStart({ VIBED_DATA_DIR: folder }), folder, 'VIBED_DATA_DIR')
  })

  test('the secrets are damaged', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'secrets.json'), '{"jwtSec')
    expectOneLine(await refusedStart({ VIBED_DATA_DIR: folder }), join(folder, 'secrets.json'))
  })

  test('the secrets can neither be read nor made', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'secrets.json'))
    expectOneLine(await refusedStart({ VIBED_DATA_DIR: folder }), join(folder, 'secrets.json'), 'JWT_SECRET')
  })
})
