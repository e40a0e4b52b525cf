import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, eq, type SQL, sql } from 'drizzle-orm'
import { isoInSql } from '../../../db/columns.js'
import { Database } from '../../../db/database.js'
import { literal } from '../../../db/dialect.js'
import { notificationSettings } from '../../../db/schema/feed.js'
import { dayIn, knownZones, timeIn, zoneOfUser } from '../../../db/time-zones.js'
import type { Mail } from '../../../mail/mail.js'
import { Mailer } from '../../../mailer.js'

/** Somebody whose digest is due, and the day before, by his clock: its date, and from when until when it was. */
export type DigestReader = {
  userId: string
  email: string
  /** When he got the last one, or said that he wants them. */
  sentAt: string | null
  date: string
  from: string
  to: string
}

@Repository()
export class DigestRepository {
  @Autowired(Database) private db!: Database
  @Autowired(Mailer) private mailer!: Mailer

  /** Those for whom it is eight in the morning or later at `now` (ISO 8601), and who got none yet on this day. */
  async due(now: string, limit: number): Promise<DigestReader[]> {
    const [moment, today] = [sql`${now}::timestamptz`, dayIn(sql`${now}::timestamptz`)]
    const begin = (day: SQL) => isoInSql(sql`${day}::timestamp at time zone ${zoneOfUser}`)
    const { rows } = await this.db.query.execute<DigestReader>(sql`
      with ${knownZones}
      select users.id as "userId", users.email, ${isoInSql(sql`s.digest_sent_at`)} as "sentAt",
        to_char(${today} - 1, 'YYYY-MM-DD') as date, ${begin(sql`(${today} - 1)`)} as from, ${begin(today)} as to
      from notification_settings s join users on users.id = s.user_id
      where s.digest and users.disabled_at is null and ${timeIn(moment)} >= '08:00'
        and (s.digest_sent_at is null or ${dayIn(sql`s.digest_sent_at`)} < ${today})
      order by users.id limit ${literal(limit)}`)
    return rows
  }

  /** Notes that it is done, and sends the mail, if there is one; nothing where another node was faster. */
  async settle({ userId, sentAt }: DigestReader, now: string, mail: Mail | undefined): Promise<boolean> {
    return this.db.write(async tx => {
      const isAsRead = sql`${notificationSettings.digestSentAt} is not distinct from ${sentAt}::timestamptz`
      const settled = await tx
        .update(notificationSettings)
        .set({ digestSentAt: now })
        .where(and(eq(notificationSettings.userId, userId), isAsRead))
        .returning({ userId: notificationSettings.userId })
      if (settled.length > 0 && mail) await this.mailer.queue(tx, [mail])
      return settled.length > 0
    })
  }
}
