import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, asc, desc, eq, isNull, sql } from 'drizzle-orm'
import { z } from 'zod'
import { CONFIG, type Config } from '../../config.js'
import { decodeCursor, encodeCursor } from '../../cursor.js'
import { Database, type Queries } from '../../db/database.js'
import { personColumns } from '../../db/person-columns.js'
import { users } from '../../db/schema/people.js'
import { attachments } from '../../db/schema/work.js'
import { refuse } from '../../errors.js'
import { instant, uuid } from '../../fields.contract.js'
import { type Page, toPage } from '../../pagination.js'
import { nextActivitySeq, recordActivity } from '../activity/record-activity.js'
import { stepTask } from '../tasks/changes/step-task.js'
import { oneTask } from '../tasks/task-row.js'
import type { Task } from '../tasks/tasks.contract.js'
import type { Attachment, listAttachments } from './attachments.contract.js'

type ListQuery = z.output<typeof listAttachments.query>

interface TaskPlace {
  id: string
  workspaceId: string
  projectId: string
}

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
    const name = `attachments ${sort}`
    const [order, further] = sort === 'createdAt' ? [asc, sql`>`] : [desc, sql`<`]
    const last = cursor === undefined ? undefined : decodeCursor(name, z.tuple([instant, uuid]), cursor)
    const { createdAt, id } = attachments
    const beyond = last && sql`(${createdAt}, ${id}) ${further} (${last[0]}, ${last[1]})`
    const rows = await select(this.db.query)
      .where(and(eq(attachments.taskId, taskId), isThere, beyond))
      .orderBy(order(createdAt), order(id))
      .limit(limit + 1)
    return toPage(rows, limit, row => encodeCursor(name, [row.createdAt, row.id]))
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
      const [after] = await tx.insert(attachments).values(values).returning(detailColumns)
      if (!after) throw new Error('An insert gave no row')
      await record(tx, activity, uploaderId, 'attachment.added', task, { after })
      return { attachment: await one(tx, after.attachmentId), task: await oneTask(tx, taskId) }
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
      await record(tx, activity, actorId, 'attachment.removed', task, { before: gone })
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

async function one(tx: Queries, attachmentId: string): Promise<Attachment> {
  const [found] = await select(tx).where(eq(attachments.id, attachmentId))
  if (!found) throw new Error(`Attachment ${attachmentId} vanished during a write`)
  return found
}

function record(
  tx: Queries,
  activity: number,
  actorId: string,
  type: string,
  { id: taskId, workspaceId, projectId }: TaskPlace,
  change: { before?: object; after?: object },
): Promise<void> {
  return recordActivity(tx, activity, { workspaceId, actorId, type, projectId, taskId, ...change })
}
