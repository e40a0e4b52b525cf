import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { TEMPLATE } from './global-setup.js'

/** A migrated database of one's own on the run's Postgres; `drop` takes it away again. */
export async function cloneDatabase() {
  const admin = new URL(inject('postgresUrl'))
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await asAdmin(client => client.query(`create database ${name} template ${TEMPLATE}`))
  const url = new URL(admin)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => asAdmin(client => client.query(`drop database ${name} with (force)`)) }
}

async function asAdmin(work: (client: pg.Client) => Promise<unknown>) {
  const client = new pg.Client({ connectionString: inject('postgresUrl') })
  await client.connect()
  try {
    // Cloning fails while another file clones the same template: they take turns.
    await client.query('select pg_advisory_lock(1)')
    await work(client)
  } finally {
    await client.end()
  }
}
