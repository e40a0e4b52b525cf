import type { Container } from '@forinda/kickjs-core'
import { sql } from 'drizzle-orm'
import { Notifier } from '../../modules/notifications/notifier.js'
import { Database } from '../database.js'

/**
 * Has everybody notified of what was sown, at the time that it was given, and leaves unread what came in the
 * last two days until `now` (ISO 8601). Nobody is sent a mail: these people are made up.
 */
export async function sowNotifications(container: Container, userIds: readonly string[], now: string) {
  await container.resolve(Notifier).catchUp()
  const theirs = sql`user_id = any(${sql.param(userIds)}::uuid[])`
  await container.resolve(Database).write(async tx => {
    await tx.execute(sql`
      update notifications n set created_at = coalesce(
        (select created_at from activities a where n.dedupe_key = 'activity:' || a.id),
        (select created_at from messages m where m.id = n.message_id),
        n.created_at)
      where ${theirs}`)
    await tx.execute(sql`
      update notifications set read_at = created_at + interval '20 minutes'
      where ${theirs} and created_at < ${now}::timestamptz - interval '2 days'`)
    // Numbered anew in the order of these times, and never two with one number on the way.
    await tx.execute(sql`
      update notifications n set seq = -numbered.seq from (
        select id, row_number() over (partition by user_id order by created_at, seq) as seq from notifications where ${theirs}
      ) numbered where n.id = numbered.id`)
    await tx.execute(sql`update notifications set seq = -seq where ${theirs}`)
    await tx.execute(sql`
      delete from mails where sent_at is null
        and recipient in (select email from users where id = any(${sql.param(userIds)}::uuid[]))`)
  })
}
