import type { ClientBase } from 'pg'

/**
 * Rows by the hundred thousand: without foreign keys, as the rows are right by themselves, and with the indexes built
 * afterwards in one go. The triggers that count run as always.
 */
export async function inBulk(client: ClientBase, tables: readonly string[], insert: () => Promise<void>) {
  const { rows } = await client.query<{ name: string; definition: string }>(plainIndexes, [tables])
  const triggers = await client.query<{ table: string; name: string }>(ownTriggers, [tables])
  const enable = async (how: 'always trigger' | 'trigger') => {
    for (const { table, name } of triggers.rows)
      await client.query(`alter table "${table}" enable ${how} "${name}"`)
  }
  await enable('always trigger')
  await client.query(`set session_replication_role = replica`)
  await client.query(`set maintenance_work_mem = '256MB'`)
  for (const { name } of rows) await client.query(`drop index "${name}"`)
  await insert()
  for (const { definition } of rows) await client.query(definition)
  await client.query('reset session_replication_role')
  await enable('trigger')
  await client.query('reset maintenance_work_mem')
  for (const table of tables) await client.query(`vacuum analyze ${table}`)
}

/** Those that no constraint needs. */
const plainIndexes = `
  select c.relname as name, pg_get_indexdef(i.indexrelid) as definition
  from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
  where t.relname = any($1) and not exists (select 1 from pg_constraint where conindid = i.indexrelid)`

/** Those that no foreign key is made of. */
const ownTriggers = `
  select relname as table, tgname as name from pg_trigger t join pg_class c on c.oid = t.tgrelid
  where relname = any($1) and not tgisinternal`

/** An id as the server makes them, UUID v7: in the order of `at`, and the same again for the same `n` of the same `kind`. */
export function idOf(kind: string, n: string, at: string): string {
  const milliseconds = `lpad(to_hex((extract(epoch from ${at}) * 1000)::bigint), 12, '0')`
  const rest = `substr(md5('${kind}' || ${n}), 1, 3) || 'a' || substr(md5('${kind}' || ${n}), 4, 15)`
  return `(${milliseconds} || '7' || ${rest})::uuid`
}
