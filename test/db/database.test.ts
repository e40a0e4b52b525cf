import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, expect, test } from 'vitest'
import { Database, sqlState } from '../../src/db/database.js'
import { users } from '../../src/db/schema/people.js'
import { cloneDatabase } from '../support/database.js'

const directory = mkdtempSync(join(tmpdir(), 'vibed-db-'))
const cloned = await cloneDatabase()
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true })
  await cloned.drop()
})

const kinds = { postgres: { url: cloned.url }, embedded: { dataDir: directory } }

for (const [kind, options] of Object.entries(kinds)) {
  test(`${kind}: an error in one statement leaves the connection usable`, async () => {
    const database = await Database.open(options)
    await expect(database.query.execute(sql`select 1 / 0`)).rejects.toSatisfy(
      error => sqlState(error) === '22012',
    )
    await expect(database.query.execute(sql`selec ${1}`)).rejects.toSatisfy(
      error => sqlState(error) === '42601',
    )
    expect((await database.query.execute(sql`select count(*) as n from generate_series(1, 5)`)).rows).toEqual(
      [{ n: 5 }],
    )
    await database.close()
  })

  test(`${kind}: a failed write leaves nothing behind`, async () => {
    const database = await Database.open(options)
    const failed = database.write(async tx => {
      await tx.execute(sql`create table half_done (x int)`)
      throw new Error('no')
    })
    await expect(failed).rejects.toThrow('no')
    const { rows } = await database.query.execute(sql`select to_regclass('half_done') as found`)
    expect(rows).toEqual([{ found: null }])
    await database.close()
  })

  test(`${kind}: a statement is planned once, and anew as it is asked more often, so that no plan stays of an empty table's making`, async () => {
    const database = await Database.open({ ...options, poolSize: 1 })
    await database.query.execute(sql`create table growing (id int primary key)`)
    await database.query.execute(sql`vacuum analyze growing`)
    const ask = (n: number) =>
      database.prepared<{ id: number }>('by_id', 'select id from growing where id = $1', [n])
    const plans = async () => {
      const text = `select custom_plans::int as more from pg_prepared_statements where statement like 'select id from growing%'`
      const { rows } = await database.pool.query<{ more: number }>(text)
      return rows
    }
    for (let n = 0; n < 7; n++) await ask(n)
    expect(await plans()).toEqual([{ more: 0 }])
    await database.query.execute(sql`insert into growing select generate_series(1, 20000)`)
    for (let n = 0; n < 10; n++) expect(await ask(n + 1)).toEqual([{ id: n + 1 }])
    expect(await plans()).toEqual([{ more: 0 }, { more: 0 }])
    await database.query.execute(sql`drop table growing`)
    await database.close()
  })

  test(`${kind}: texts of megabytes and many concurrent statements pass`, async () => {
    const database = await Database.open(options)
    const text = 'ä€😀'.repeat(300_000)
    const [row] = await database.prepared<{ text: string }>('echo', 'select $1::text as text', [text])
    expect(row?.text === text).toBe(true)
    const numbers = await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        database.prepared<{ n: number }>('number', 'select $1::int as n', [n]),
      ),
    )
    expect(numbers.map(([found]) => found?.n)).toEqual(Array.from({ length: 200 }, (_, n) => n))
    await database.close()
  })
}

test('the limit of a page is part of its statement, so that a plan made once is one for that many rows', async () => {
  const database = await Database.open({ url: cloned.url })
  const page = database.query.select({ id: users.id }).from(users).limit(51).toSQL()
  expect(page).toEqual({ sql: 'select "id" from "users" limit 51', params: [] })
  expect(await database.query.select({ id: users.id }).from(users).limit(0)).toEqual([])
  await database.close()
})

test('times come as ISO 8601 in UTC whatever the zone of the machine', async () => {
  for (const options of Object.values(kinds)) {
    const database = await Database.open(options)
    const [row] = await database.prepared<{ zone: string }>(
      'zone',
      `select current_setting('TimeZone') as zone`,
      [],
    )
    expect(row?.zone).toBe('UTC')
    await database.close()
  }
})

test('two nodes that boot at once migrate an empty database once', async () => {
  const empty = await cloneDatabase()
  const admin = await Database.open({ url: empty.url })
  await admin.query.execute(sql`drop schema drizzle cascade`)
  await admin.query.execute(sql`drop schema public cascade`)
  await admin.query.execute(sql`create schema public`)
  await admin.close()
  const opened = await Promise.all(Array.from({ length: 4 }, () => Database.open({ url: empty.url })))
  const { rows } = await (opened[0] as Database).query.execute(
    sql`select count(*) as applied from drizzle.__drizzle_migrations`,
  )
  expect(rows[0]?.applied).toBeGreaterThan(0)
  const counts = await Promise.all(
    opened.map(database => database.query.execute(sql`select count(*) from users`)),
  )
  expect(counts.map(({ rows: [row] }) => row?.count)).toEqual([0, 0, 0, 0])
  await Promise.all(opened.map(database => database.close()))
  await empty.drop()
})

test('a database that a newer version migrated is refused with the mend', async () => {
  const newer = await cloneDatabase()
  const database = await Database.open({ url: newer.url })
  await database.query.execute(
    sql`insert into drizzle.__drizzle_migrations (hash, created_at) values ('later', 9999999999999)`,
  )
  await database.close()
  await expect(Database.open({ url: newer.url })).rejects.toThrow(/newer version of Vibed/)
  await newer.drop()
})

test('a Postgres that is away is named, with the mend', async () => {
  const opening = Database.open({ url: 'postgres://nobody@127.0.0.1:1/none' })
  await expect(opening).rejects.toThrow(/127\.0\.0\.1:1\/none cannot be reached .*ECONNREFUSED.*DATABASE_URL/)
})

test('a second process on a data folder is refused with the pid of the first', async () => {
  const database = await Database.open({ dataDir: directory })
  await expect(Database.open({ dataDir: directory })).rejects.toThrow(`in use by process ${process.pid}`)
  await database.close()
  await (await Database.open({ dataDir: directory })).close()
})

test('embedded: what is written is analyzed before long, since no daemon does it', async () => {
  const database = await Database.open({})
  await database.query.execute(sql`create table grown as select n from generate_series(1, 5000) n`)
  const analyzed = sql`select last_analyze is not null as done from pg_stat_user_tables where relname = 'grown'`
  await expect
    .poll(async () => (await database.query.execute(analyzed)).rows, { timeout: 20_000, interval: 200 })
    .toEqual([{ done: true }])
  await database.close()
})
