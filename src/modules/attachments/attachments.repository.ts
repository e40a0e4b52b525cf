import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, eq, isNull, sql } from 'drizzle-orm'
import type { z } from 'zod'
import { CONFIG, type Config } from '../../config.js'
import { byTime } from '../../db/by-time.js'
import { Database, type Queries } from '../../db/database.js'
import { oneRow } from '../../db/one-row.js'
import { personColumns } from '../../db/person-columns.js'
import { attachments } from '../../db/schema/attachments.js'
import { users } from '../../db/schema/people.js'
import { refuse } from '../../errors.js'
import { type Page, toPage } from '../../pagination.js'
import { nextActivitySeq } from '../activity/record-activity.js'
import { recordOnTask, type TaskPlace } from '../tasks/changes/record-on-task.js'
import { stepTask } from '../tasks/changes/step-task.js'
import { oneTask } from '../tasks/task-row.js'
import type { Task } from '../tasks/tasks.contract.js'
import type { Attachment, listAttachments } from './attachments.contract.js'

type ListQuery = z.output<typeof listAttachments.query>

/** A file that is stored already. */
export interface NewAttachment {
  fileName: string
  contentType: string
  size: number
  storageKey: string
}

const attachmentRow = {
  id: attachments.id,
  taskId: attachments.taskId,
  uploaderId: attachments.uploaderId,
  uploader: personColumns,
  fileName: attachments.fileName,
  contentType: attachments.contentType,
  size: attachments.size,
  createdAt: attachments.createdAt,
}

/** What the activity says of an attachment. */
const detailColumns = {
  attachmentId: attachments.id,
  fileName: attachments.fileName,
  contentType: attachments.contentType,
  size: attachments.size,
}

@Repository()
export class AttachmentsRepository {
  @Autowired(Database) private db!: Database
  @Autowired(CONFIG) private config!: Config

  async byId(attachmentId: string): Promise<Attachment | undefined> {
    const [found] = await select(this.db.query).where(and(eq(attachments.id, attachmentId), isThere))
    return found
  }

  /** The attachments of a task, by the time they were added. */
  async forTask(taskId: string, { limit, cursor, sort }: ListQuery): Promise<Page<Attachment>> {
    const isLatestFirst = sort === '-createdAt'
    const { createdAt, id } = attachments
    const page = byTime(`attachments ${sort}`, createdAt, id, { cursor, isLatestFirst })
    const rows = await select(this.db.query)
      .where(and(eq(attachments.taskId, taskId), isThere, page.beyond))
      .orderBy(...page.order)
      .limit(limit + 1)
    return toPage(rows, limit, last => page.cursorAt(last.createdAt, last.id))
  }

  /**
   * What belongs to deleted tasks takes up room until its files have been swept away.
   * @throws QUOTA_EXCEEDED where a file of that size has no room
   */
  async requireRoom(workspaceId: string, size: number, queries: Queries = this.db.query): Promise<void> {
    const [found] = await queries
      .select({ used: sql<number>`coalesce(sum(${attachments.size}), 0)::bigint` })
      .from(attachments)
      .where(and(eq(attachments.workspaceId, workspaceId), isThere))
    const used = found?.used ?? 0
    if (used + size > this.config.workspaceQuotaBytes) throw refuse('QUOTA_EXCEEDED')
  }

  /**
   * An attachment, and the task that has one more. Whether there is room for it is decided under the
   * workspace's lock, so that many at once find no more of it than there is.
   * @throws QUOTA_EXCEEDED, and TASK_NOT_FOUND or PROJECT_NOT_FOUND when it was deleted meanwhile
   */
  create(
    uploaderId: string,
    task: TaskPlace,
    file: NewAttachment,
  ): Promise<{ attachment: Attachment; task: Task }> {
    const { id: taskId, workspaceId } = task
    return this.db.write(async tx => {
      const activity = await nextActivitySeq(tx, workspaceId)
      await this.requireRoom(workspaceId, file.size, tx)
      const createdAt = await stepTask(tx, task)
      const { fileName, contentType, size, storageKey } = file
      const values = { fileName, contentType, size, storageKey, workspaceId, taskId, uploaderId, createdAt }
      const after = oneRow(await tx.insert(attachments).values(values).returning(detailColumns))
      await recordOnTask(tx, activity, uploaderId, task, { type: 'attachment.added', after })
      const attachment = oneRow(await select(tx).where(eq(attachments.id, after.attachmentId)))
      return { attachment, task: await oneTask(tx, taskId) }
    })
  }

  /** The task that has one fewer. Its file is still there. */
  softDelete(actorId: string, attachmentId: string, task: TaskPlace): Promise<Task> {
    return this.db.write(async tx => {
      const activity = await nextActivitySeq(tx, task.workspaceId)
      const deletedAt = await stepTask(tx, task)
      const [gone] = await tx
        .update(attachments)
        .set({ deletedAt })
        .where(and(eq(attachments.id, attachmentId), isThere))
        .returning(detailColumns)
      if (!gone) throw refuse('ATTACHMENT_NOT_FOUND')
      await recordOnTask(tx, activity, actorId, task, { type: 'attachment.removed', before: gone })
      return oneTask(tx, task.id)
    })
  }
}

const isThere = isNull(attachments.deletedAt)

function select(queries: Queries) {
  return queries
    .select(attachmentRow)
    .from(attachments)
    .innerJoin(users, eq(users.id, attachments.uploaderId))
    .$dynamic()
}
