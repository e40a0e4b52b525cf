import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Container } from '@forinda/kickjs-core'
import { beforeEach, expect, test, vi } from 'vitest'
import { CONFIG, loadConfig } from '../../src/config.js'
import { StartupError } from '../../src/errors.js'
import { Secrets } from '../../src/secrets.js'

vi.mock('node:fs', { spy: true })

let dataDir: string
beforeEach(() => {
  dataDir = join(mkdtempSync(join(tmpdir(), 'vibed-secrets-')), 'data')
})

function keyOf(jwtSecret?: string) {
  const container = new Container().registerInstance(CONFIG, { ...loadConfig({}), dataDir, jwtSecret })
  return container.resolve(Secrets).jwtKey.export().toString('utf8')
}

test('a secret is made once and kept where only the server can read it', () => {
  const made = keyOf()
  expect(made.length).toBeGreaterThanOrEqual(64)
  expect(keyOf()).toBe(made)
  const file = join(dataDir, 'secrets.json')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ jwtSecret: made })
  expect(readdirSync(dataDir)).toEqual(['secrets.json'])
})

test('of two servers that make one at once, both use the first', () => {
  const theirs = keyOf()
  vi.mocked(readFileSync).mockImplementationOnce(() => {
    throw Object.assign(new Error('not yet'), { code: 'ENOENT' })
  })
  expect(keyOf()).toBe(theirs)
  expect(readdirSync(dataDir)).toEqual(['secrets.json'])
})

test('JWT_SECRET comes before a kept one, and nothing is written for it', () => {
  expect(keyOf('x'.repeat(32))).toBe('x'.repeat(32))
  expect(() => readdirSync(dataDir)).toThrow('ENOENT')
})

test('a damaged or unreadable file stops the start with a line that says what to do', () => {
  mkdirSync(dataDir)
  const file = join(dataDir, 'secrets.json')
  for (const damage of ['', '{', '{}', '{"jwtSecret":"short"}']) {
    writeFileSync(file, damage)
    expect(() => keyOf()).toThrow(StartupError)
    expect(() => keyOf()).toThrow(/secrets\.json is damaged: restore it/)
  }
  dataDir = join(file, 'below-a-file')
  expect(() => keyOf()).toThrow(StartupError)
})

test('derived keys differ by purpose and stay the same', () => {
  const container = new Container().registerInstance(CONFIG, { ...loadConfig({}), dataDir })
  const secrets = container.resolve(Secrets)
  expect(secrets.derive('a')).toHaveLength(32)
  expect(secrets.derive('a')).toEqual(secrets.derive('a'))
  expect(secrets.derive('a')).not.toEqual(secrets.derive('b'))
})
