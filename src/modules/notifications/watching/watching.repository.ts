import { Autowired, Repository } from '@forinda/kickjs-core'
import { sql } from 'drizzle-orm'
import type { Asker } from '../../../access/asker.js'
import { Database, isForeignKeyViolation } from '../../../db/database.js'
import { taskWatchers } from '../../../db/schema/work.js'
import { refuse } from '../../../errors.js'
import { watchersOf } from './watchers.js'

interface TaskPlace {
  id: string
  workspaceId: string
}

@Repository()
export class WatchingRepository {
  @Autowired(Database) private db!: Database

  async isWatching({ id: userId }: Asker, taskId: string): Promise<boolean> {
    const { rows } = await this.db.query.execute(sql`
      select 1 from (${watchersOf(sql`${taskId}::uuid`)}) watcher where user_id = ${userId}`)
    return rows.length > 0
  }

  /** What he says counts more than his part in the task. */
  async set(
    { id: userId }: Asker,
    { id: taskId, workspaceId }: TaskPlace,
    isWatching: boolean,
  ): Promise<void> {
    const setting = this.db.write(tx =>
      tx
        .insert(taskWatchers)
        .values({ workspaceId, taskId, userId, isWatching })
        .onConflictDoUpdate({ target: [taskWatchers.taskId, taskWatchers.userId], set: { isWatching } }),
    )
    await setting.catch(error => {
      // He was removed meanwhile.
      throw isForeignKeyViolation(error) ? refuse('TASK_NOT_FOUND') : error
    })
  }
}
