import { sql } from 'drizzle-orm'
import { afterAll, expect, test } from 'vitest'
import { Database } from '../../src/db/database.js'
import { jsonRows } from '../../src/db/json-rows.js'
import { cloneDatabase } from '../support/database.js'

const cloned = await cloneDatabase()
const database = await Database.open({ url: cloned.url })
afterAll(async () => {
  await database.close()
  await cloned.drop()
})

const ID = '01990000-0000-7000-8000-000000000001'
const TEXT = 'a "quoted" \\ line\n\u0001\u2028 ä😀 {},[]'

async function rowsOf(values: Record<string, unknown>) {
  const { sql: text, params } = database.query
    .select({
      id: sql`${sql.placeholder('id')}::uuid`,
      text: sql`${sql.placeholder('text')}::text`,
      int: sql`${sql.placeholder('int')}::int`,
      long: sql`${sql.placeholder('long')}::bigint`,
      yes: sql`${sql.placeholder('yes')}::boolean`,
      at: sql`${sql.placeholder('at')}::timestamptz(3)`,
      json: sql`${sql.placeholder('json')}::jsonb`,
      ids: sql`${sql.placeholder('ids')}::uuid[]`,
    })
    .from(sql`generate_series(1, 2)`)
    .toSQL()
  return database.textRows({ sql: text, params }, values)
}

const KEYS = ['id', 'text', 'int', 'long', 'yes', 'at', 'json', 'ids']

test('rows become JSON with the values that they have, whatever the texts hold', async () => {
  const row = {
    id: ID,
    text: TEXT,
    int: -3,
    long: 2 ** 52,
    yes: false,
    at: '2026-01-31T09:30:00.050Z',
    json: [{ emoji: '👍', count: 2, userIds: [ID], note: TEXT }],
    ids: [ID, ID],
  }
  const { text } = jsonRows(KEYS, await rowsOf({ ...row, json: JSON.stringify(row.json) }))
  expect(JSON.parse(text)).toEqual([row, row])
})

test('what is not there is null, and lists may be empty', async () => {
  const none = { id: null, text: null, int: null, long: null, yes: null, at: null, json: null }
  const { text } = jsonRows(KEYS, await rowsOf({ ...none, ids: [] }))
  expect(JSON.parse(text)).toEqual([
    { ...none, ids: [] },
    { ...none, ids: [] },
  ])
})

test('no rows are an empty list', () => {
  expect(jsonRows(['a'], { fields: [{ dataTypeID: 25 }], rows: [] }).text).toBe('[]')
})

test('a type without a form in JSON is told at once', () => {
  expect(() => jsonRows(['a'], { fields: [{ dataTypeID: 600 }], rows: [] })).toThrow('Type 600')
})
