import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, eq } from 'drizzle-orm'
import { seesChannel } from '../../../access/visibility.js'
import { byTime } from '../../../db/by-time.js'
import { Database } from '../../../db/database.js'
import { channels, messages, messageTaskLinks } from '../../../db/schema/chat.js'
import { workspaceMembers } from '../../../db/schema/people.js'
import { type Page, type PageQuery, toPage } from '../../../pagination.js'
import { selectMessages } from '../message-row.js'
import type { Message } from '../messages.contract.js'

@Repository()
export class TaskLinksRepository {
  @Autowired(Database) private db!: Database

  /** The messages that name a task, the newest first, as far as a member of its workspace sees their channels. */
  async forTask(
    readerId: string,
    { id: taskId, workspaceId }: { id: string; workspaceId: string },
    { limit, cursor }: PageQuery,
  ): Promise<Page<Message>> {
    const { sentAt, messageId } = messageTaskLinks
    const page = byTime('task-messages', sentAt, messageId, { cursor, isLatestFirst: true })
    const isReader = and(eq(workspaceMembers.workspaceId, workspaceId), eq(workspaceMembers.userId, readerId))
    const rows = await selectMessages(this.db.query)
      .innerJoin(messageTaskLinks, eq(messageId, messages.id))
      .innerJoin(channels, eq(channels.id, messages.channelId))
      .innerJoin(workspaceMembers, isReader)
      .where(and(eq(messageTaskLinks.taskId, taskId), page.beyond, seesChannel))
      .orderBy(...page.order)
      .limit(limit + 1)
    return toPage(rows, limit, last => page.cursorAt(last.createdAt, last.messageId))
  }
}
