import { randomUUID } from 'node:crypto'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import pg from 'pg'
import { expect, inject, onTestFinished, test } from 'vitest'
import { startApp } from '../support/app.js'
import { picker, randomSeed } from './picker.js'
import { NOW, rawWrites } from './raw-writes.js'
import { expectNoDifference } from './recount.js'

/** The migrations until the one before the counters. */
function olderMigrations(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vibed-migrations-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  cpSync(fileURLToPath(new URL('../../drizzle', import.meta.url)), folder, { recursive: true })
  const path = join(folder, 'meta/_journal.json')
  const journal = JSON.parse(readFileSync(path, 'utf8'))
  const until = journal.entries.findIndex(({ tag }: { tag: string }) => tag.endsWith('counters'))
  writeFileSync(path, JSON.stringify({ ...journal, entries: journal.entries.slice(0, until) }))
  return folder
}

async function emptyDatabase() {
  const admin = new pg.Client({ connectionString: inject('postgresUrl') })
  await admin.connect()
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await admin.query(`create database ${name}`)
  onTestFinished(async () => {
    await admin.query(`drop database ${name} with (force)`)
    await admin.end()
  })
  const url = new URL(inject('postgresUrl'))
  url.pathname = `/${name}`
  return url.href
}

test('what a database holds from before there were counters is counted as it is brought up to date', async () => {
  const databaseUrl = await emptyDatabase()
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 })
  await migrate(drizzle(pool), { migrationsFolder: olderMigrations() })
  const [workspaceId, userId, projectIds] = [randomUUID(), randomUUID(), [randomUUID(), randomUUID()]]
  await pool.query(`insert into workspaces (id, name, slug) values ($1, 'Team', 'team')`, [workspaceId])
  await pool.query(
    `insert into users (id, email, username, first_name, last_name, password_hash)
     values ($1, 'ann@example.com', 'ann', 'Ann', 'Person', 'x')`,
    [userId],
  )
  for (const projectId of projectIds) {
    await pool.query(
      `insert into projects (id, workspace_id, name, key, created_by) values ($1, $2, 'Engine', $3, $4)`,
      [projectId, workspaceId, projectId.slice(0, 8), userId],
    )
    await pool.query(
      `insert into project_statuses (project_id, key, name, "group", position)
       select $1, key, key, "group"::status_group, position - 1
       from unnest(array['backlog', 'todo', 'in_progress', 'in_review', 'done', 'cancelled'],
         array['backlog', 'unstarted', 'started', 'started', 'completed', 'cancelled'])
         with ordinality as columns (key, "group", position)`,
      [projectId],
    )
  }
  const seed = randomSeed()
  const ground = { workspaceId, userId, projectIds, numbers: [] }
  const run = (text: string, values: unknown[]) => pool.query(text, values)
  const writes = rawWrites({ pick: picker(seed), run, ground, most: 5 })
  for (let n = 0; n < 300; n++) await writes.any()
  const { rows } = await pool.query('select count(*)::int as n from comments')
  expect(rows[0].n).toBeGreaterThan(10)
  await pool.end()

  const app = await startApp({ config: { databaseUrl } })
  onTestFinished(() => app.stop())
  await expectNoDifference(app, { workspaceIds: [workspaceId], projectIds }, NOW, `seed ${seed}`)
})
