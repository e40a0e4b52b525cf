import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, desc, eq, sql } from 'drizzle-orm'
import { z } from 'zod'
import { seesChannel } from '../../../access/visibility.js'
import { decodeCursor, encodeCursor } from '../../../cursor.js'
import { Database } from '../../../db/database.js'
import { channels, messages, messageTaskLinks } from '../../../db/schema/chat.js'
import { workspaceMembers } from '../../../db/schema/people.js'
import { instant, uuid } from '../../../fields.contract.js'
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
    const after = cursor ? decodeCursor('task-messages', z.tuple([instant, uuid]), cursor) : undefined
    const beyond = after && sql`(${sentAt}, ${messageId}) < (${after[0]}, ${after[1]})`
    const isReader = and(eq(workspaceMembers.workspaceId, workspaceId), eq(workspaceMembers.userId, readerId))
    const rows = await selectMessages(this.db.query)
      .innerJoin(messageTaskLinks, eq(messageId, messages.id))
      .innerJoin(channels, eq(channels.id, messages.channelId))
      .innerJoin(workspaceMembers, isReader)
      .where(and(eq(messageTaskLinks.taskId, taskId), beyond, seesChannel))
      .orderBy(desc(sentAt), desc(messageId))
      .limit(limit + 1)
    return toPage(rows, limit, last => encodeCursor('task-messages', [last.createdAt, last.messageId]))
  }
}
