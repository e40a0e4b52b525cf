import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, eq, sql } from 'drizzle-orm'
import type { Asker } from '../../../access/asker.js'
import { Database, isForeignKeyViolation } from '../../../db/database.js'
import { channels } from '../../../db/schema/chat.js'
import { channelNotificationSettings, notificationSettings } from '../../../db/schema/feed.js'
import { refuse } from '../../../errors.js'
import type { ChannelLevel, NotificationSettings } from './preferences.contract.js'

type Changes = { [Field in keyof NotificationSettings]?: NotificationSettings[Field] | undefined }

interface ChannelPlace {
  id: string
  workspaceId: string
}

const row = {
  email: notificationSettings.email,
  digest: notificationSettings.digest,
  mutedTypes: sql<NotificationSettings['mutedTypes']>`${notificationSettings.mutedTypes}`,
}
const unsaid: NotificationSettings = { email: true, digest: false, mutedTypes: [] }

@Repository()
export class PreferencesRepository {
  @Autowired(Database) private db!: Database

  async settingsOf({ id: userId }: Asker): Promise<NotificationSettings> {
    const found = await this.db.query
      .select(row)
      .from(notificationSettings)
      .where(eq(notificationSettings.userId, userId))
    return found[0] ?? unsaid
  }

  /** The first digest is that of the next morning, not one for today. */
  async change({ id: userId }: Asker, changes: Changes): Promise<NotificationSettings> {
    const now = sql`now()`
    const since = sql`case when ${notificationSettings.digest} then ${notificationSettings.digestSentAt} else now() end`
    const [changed] = await this.db.write(tx =>
      tx
        .insert(notificationSettings)
        .values({ userId, ...changes, digestSentAt: now })
        .onConflictDoUpdate({
          target: notificationSettings.userId,
          set: { ...changes, digestSentAt: since, updatedAt: now },
        })
        .returning(row),
    )
    return changed ?? unsaid
  }

  async levelOf({ id: userId }: Asker, channelId: string): Promise<ChannelLevel> {
    const { level } = channelNotificationSettings
    const [found] = await this.db.query
      .select({ level })
      .from(channelNotificationSettings)
      .where(
        and(
          eq(channelNotificationSettings.channelId, channelId),
          eq(channelNotificationSettings.userId, userId),
        ),
      )
    return found?.level ?? 'mentions'
  }

  /** Of what was said before nobody is told. */
  async setLevel({ id: userId }: Asker, { id: channelId, workspaceId }: ChannelPlace, level: ChannelLevel) {
    const setting = this.db.write(tx =>
      tx.execute(sql`
        insert into ${channelNotificationSettings} (workspace_id, channel_id, user_id, level, told_seq)
        select ${workspaceId}, id, ${userId}, ${level}, last_seq from ${channels} where id = ${channelId}
        on conflict (channel_id, user_id) do update set level = excluded.level, told_seq = excluded.told_seq
        where ${channelNotificationSettings.level} <> excluded.level`),
    )
    await setting.catch(error => {
      // He was removed meanwhile.
      throw isForeignKeyViolation(error) ? refuse('CHANNEL_NOT_FOUND') : error
    })
  }
}
