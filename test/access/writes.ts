import type { TestApp } from '../support/app.js'
import { rows } from '../work/support.js'

/** What the server keeps for itself, and writes at any time. */
const bookkeeping = [
  'idempotency_keys',
  'job_runs',
  'mails',
  'node_presence',
  'nodes',
  'notification_progress',
  'notification_sequences',
  'notifications',
  'rate_limits',
  'untold_replies',
]

/** Gives the tables of the rows that were written since it was asked last, but for the server's own books. */
export type Writes = () => Promise<string[]>

export async function watchWrites(app: TestApp): Promise<Writes> {
  await rows(app, 'create table row_writes (at_table text)')
  await rows(
    app,
    `create function note_row() returns trigger language plpgsql as
     $$ begin insert into row_writes values (tg_table_name); return null; end $$`,
  )
  const tables = await rows(
    app,
    `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
       and relname <> 'row_writes' and not relname = any($1)`,
    [bookkeeping],
  )
  for (const { name } of tables)
    await rows(
      app,
      `create trigger note_row after insert or update or delete on ${name} for each row execute function note_row()`,
    )
  return async () =>
    (await rows(app, 'delete from row_writes returning at_table')).map(({ at_table }) => at_table)
}
