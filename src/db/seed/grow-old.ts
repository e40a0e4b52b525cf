import { sql } from 'drizzle-orm'
import type { Database } from '../database.js'

/** Spreads what was sown in a moment over three weeks until `now` (ISO 8601), in the order in which it happened. */
export async function growOld(
  database: Database,
  workspaceIds: readonly string[],
  now: string,
): Promise<void> {
  const sown = sql`any (${sql.param(workspaceIds)}::uuid[])`
  await database.write(async tx => {
    await tx.execute(sql`
      update activities a
      set created_at = ${now}::timestamptz - (w.last_seq - a.seq) * (interval '21 days' / w.last_seq)
      from workspaces w where w.id = a.workspace_id and w.id = ${sown}`)
    await tx.execute(sql`
      update tasks t set created_at = h.first, updated_at = h.last,
        started_at = case when t.started_at is not null then h.first + (h.last - h.first) / 2 end,
        completed_at = case when t.completed_at is not null then h.last end
      from (select task_id, min(created_at) as first, max(created_at) as last from activities where workspace_id = ${sown} group by task_id) h
      where h.task_id = t.id`)
    for (const [table, kind] of [
      ['projects', 'project'],
      ['channels', 'channel'],
    ] as const) {
      await tx.execute(sql`
        update ${sql.identifier(table)} t set created_at = a.created_at, updated_at = a.created_at
        from activities a
        where a.type = ${`${kind}.created`} and a.${sql.identifier(`${kind}_id`)} = t.id and a.workspace_id = ${sown}`)
    }
    const said = sql`${now}::timestamptz - (c.last_seq - m.position) * interval '5 hours 17 minutes'`
    await tx.execute(sql`
      update messages m set created_at = ${said}, updated_at = ${said}
      from channels c where c.id = m.channel_id and c.workspace_id = ${sown}`)
    await tx.execute(sql`
      update messages m set last_reply_at = t.last_at
      from (select parent_id, max(created_at) as last_at from messages group by parent_id) t, channels c
      where t.parent_id = m.id and c.id = m.channel_id and c.workspace_id = ${sown}`)
    await tx.execute(sql`
      update message_task_links l set sent_at = m.created_at
      from messages m where m.id = l.message_id and l.workspace_id = ${sown}`)
    const begin = sql`${now}::timestamptz - interval '21 days'`
    await tx.execute(
      sql`update workspaces set created_at = ${begin}, updated_at = ${begin} where id = ${sown}`,
    )
    await tx.execute(sql`update workspace_members set joined_at = ${begin} where workspace_id = ${sown}`)
  })
}
