import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, eq, exists, isNull, or, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/pg-core'
import { Database } from '../db/database.js'
import { once } from '../db/once.js'
import { personColumns } from '../db/person-columns.js'
import { attachments } from '../db/schema/attachments.js'
import { channelMembers, channels, messages } from '../db/schema/chat.js'
import { comments } from '../db/schema/comments.js'
import { notifications } from '../db/schema/feed.js'
import { labels } from '../db/schema/labels.js'
import { invitations, users, workspaceMembers, workspaces } from '../db/schema/people.js'
import { projects, tasks } from '../db/schema/work.js'
import type { Asker } from './asker.js'
import { seesChannel, seesNotification, seesProject, workspaceIsOpen } from './visibility.js'

const { role } = workspaceMembers
const workspaceColumns = {
  id: workspaces.id,
  name: workspaces.name,
  slug: workspaces.slug,
  lastSeq: workspaces.lastSeq,
  role,
}
const invitationColumns = {
  id: invitations.id,
  workspaceId: invitations.workspaceId,
  invitedRole: invitations.role,
  role,
}
const projectColumns = {
  id: projects.id,
  workspaceId: projects.workspaceId,
  key: projects.key,
  name: projects.name,
  createdBy: projects.createdBy,
  lastSeq: projects.lastSeq,
  role,
}
const taskColumns = {
  id: tasks.id,
  workspaceId: tasks.workspaceId,
  projectId: tasks.projectId,
  reporterId: tasks.reporterId,
  role,
}
const labelColumns = { id: labels.id, workspaceId: labels.workspaceId, role }
const commentColumns = {
  id: comments.id,
  authorId: comments.authorId,
  task: { id: tasks.id, workspaceId: tasks.workspaceId, projectId: tasks.projectId },
  role,
}
const attachmentColumns = {
  id: attachments.id,
  uploaderId: attachments.uploaderId,
  fileName: attachments.fileName,
  contentType: attachments.contentType,
  size: attachments.size,
  storageKey: attachments.storageKey,
  createdAt: attachments.createdAt,
  task: { id: tasks.id, workspaceId: tasks.workspaceId, projectId: tasks.projectId },
  role,
}
const channelColumns = {
  id: channels.id,
  workspaceId: channels.workspaceId,
  name: channels.name,
  type: channels.type,
  lastSeq: channels.lastSeq,
  role,
  channelRole: channelMembers.role,
}
const messageColumns = {
  id: messages.id,
  senderId: messages.senderId,
  deletedAt: messages.deletedAt,
  channel: channelColumns,
}
const colleagues = alias(workspaceMembers, 'colleagues')
const id = sql.placeholder('id')
/** Whoever asks, in a statement that is built before he does. */
const anybody = { id: sql.placeholder('asker') }

/**
 * Things together with the asker's role in their workspace, each in one statement, or undefined where
 * he does not see them. What he may do with them is decided in `access.ts`.
 */
@Repository()
export class AccessRows {
  @Autowired(Database) private db!: Database
  private readonly workspaceSeen = once(() =>
    this.db.query
      .select(workspaceColumns)
      .from(workspaces)
      .innerJoin(workspaceMembers, membershipOf(anybody))
      .where(and(eq(workspaces.id, id), workspaceIsOpen))
      .prepare('access_workspace'),
  )
  private readonly projectSeen = once(() =>
    this.db.query
      .select(projectColumns)
      .from(projects)
      .innerJoin(workspaces, eq(workspaces.id, projects.workspaceId))
      .innerJoin(workspaceMembers, membershipOf(anybody))
      .where(and(eq(projects.id, id), workspaceIsOpen, seesProject))
      .prepare('access_project'),
  )
  private readonly taskSeen = once(() =>
    this.db.query
      .select(taskColumns)
      .from(tasks)
      .innerJoin(projects, eq(projects.id, tasks.projectId))
      .innerJoin(workspaces, eq(workspaces.id, tasks.workspaceId))
      .innerJoin(workspaceMembers, membershipOf(anybody))
      .where(and(eq(tasks.id, id), isNull(tasks.deletedAt), workspaceIsOpen, seesProject))
      .prepare('access_task'),
  )
  private readonly channelSeen = once(() =>
    this.db.query
      .select(channelColumns)
      .from(channels)
      .innerJoin(workspaces, eq(workspaces.id, channels.workspaceId))
      .innerJoin(workspaceMembers, membershipOf(anybody))
      .leftJoin(channelMembers, placeOf(anybody))
      .where(and(eq(channels.id, id), workspaceIsOpen, seesChannel))
      .prepare('access_channel'),
  )
  private readonly messageSeen = once(() =>
    this.db.query
      .select(messageColumns)
      .from(messages)
      .innerJoin(channels, eq(channels.id, messages.channelId))
      .innerJoin(workspaces, eq(workspaces.id, channels.workspaceId))
      .innerJoin(workspaceMembers, membershipOf(anybody))
      .leftJoin(channelMembers, placeOf(anybody))
      .where(and(eq(messages.id, id), workspaceIsOpen, seesChannel))
      .prepare('access_message'),
  )

  async workspace(asker: Asker, workspaceId: string) {
    const [found] = await this.workspaceSeen().execute({ id: workspaceId, asker: asker.id })
    return found
  }

  /** One that is pending, in a workspace of the asker's, whatever his role. */
  async invitation(asker: Asker, invitationId: string) {
    const isPending = and(isNull(invitations.acceptedAt), isNull(invitations.revokedAt))
    const [found] = await this.db.query
      .select(invitationColumns)
      .from(invitations)
      .innerJoin(workspaces, eq(workspaces.id, invitations.workspaceId))
      .innerJoin(workspaceMembers, membershipOf(asker))
      .where(and(eq(invitations.id, invitationId), isPending, workspaceIsOpen))
    return found
  }

  async project(asker: Asker, projectId: string) {
    const [found] = await this.projectSeen().execute({ id: projectId, asker: asker.id })
    return found
  }

  async task(asker: Asker, taskId: string) {
    const [found] = await this.taskSeen().execute({ id: taskId, asker: asker.id })
    return found
  }

  async label(asker: Asker, labelId: string) {
    const [found] = await this.db.query
      .select(labelColumns)
      .from(labels)
      .innerJoin(workspaces, eq(workspaces.id, labels.workspaceId))
      .innerJoin(workspaceMembers, membershipOf(asker))
      .where(and(eq(labels.id, labelId), workspaceIsOpen))
    return found
  }

  /** Deleted or not, on a task that is not. */
  async comment(asker: Asker, commentId: string) {
    const [found] = await this.db.query
      .select(commentColumns)
      .from(comments)
      .innerJoin(tasks, eq(tasks.id, comments.taskId))
      .innerJoin(projects, eq(projects.id, tasks.projectId))
      .innerJoin(workspaces, eq(workspaces.id, tasks.workspaceId))
      .innerJoin(workspaceMembers, membershipOf(asker))
      .where(and(eq(comments.id, commentId), isNull(tasks.deletedAt), workspaceIsOpen, seesProject))
    return found
  }

  /** One that is not deleted. */
  async attachment(asker: Asker, attachmentId: string) {
    const isThere = and(isNull(attachments.deletedAt), isNull(tasks.deletedAt))
    const [found] = await this.db.query
      .select(attachmentColumns)
      .from(attachments)
      .innerJoin(tasks, eq(tasks.id, attachments.taskId))
      .innerJoin(projects, eq(projects.id, tasks.projectId))
      .innerJoin(workspaces, eq(workspaces.id, tasks.workspaceId))
      .innerJoin(workspaceMembers, membershipOf(asker))
      .where(and(eq(attachments.id, attachmentId), isThere, workspaceIsOpen, seesProject))
    return found
  }

  /** `channelRole` is null where the asker is not a member of the channel. */
  async channel(asker: Asker, channelId: string) {
    const [found] = await this.channelSeen().execute({ id: channelId, asker: asker.id })
    return found
  }

  /** Deleted or not. */
  async message(asker: Asker, messageId: string) {
    const [found] = await this.messageSeen().execute({ id: messageId, asker: asker.id })
    return found
  }

  /** One of his own, of whatever he still sees. */
  async notification({ id: userId }: Asker, notificationId: string) {
    const isHis = eq(workspaceMembers.userId, notifications.userId)
    const [found] = await this.db.query
      .select({ id: notifications.id })
      .from(notifications)
      .innerJoin(workspaces, eq(workspaces.id, notifications.workspaceId))
      .leftJoin(workspaceMembers, and(eq(workspaceMembers.workspaceId, workspaces.id), isHis))
      .leftJoin(tasks, eq(tasks.id, notifications.taskId))
      .leftJoin(projects, eq(projects.id, tasks.projectId))
      .leftJoin(channels, eq(channels.id, notifications.channelId))
      .where(
        and(
          eq(notifications.id, notificationId),
          eq(notifications.userId, userId),
          workspaceIsOpen,
          seesNotification,
        ),
      )
    return found
  }

  /** Himself, or somebody who shares a workspace with him. */
  async person(asker: Asker, userId: string) {
    const shared = this.db.query
      .select({ id: workspaces.id })
      .from(workspaces)
      .innerJoin(workspaceMembers, membershipOf(asker))
      .innerJoin(colleagues, eq(colleagues.workspaceId, workspaces.id))
      .where(and(eq(colleagues.userId, users.id), workspaceIsOpen))
    const [found] = await this.db.query
      .select(personColumns)
      .from(users)
      .where(and(eq(users.id, userId), or(eq(users.id, asker.id), exists(shared))))
    return found
  }

  async isOperator(asker: Asker): Promise<boolean> {
    const [found] = await this.db.query
      .select({ id: users.id })
      .from(users)
      .where(and(eq(users.id, asker.id), users.isOperator, isNull(users.disabledAt)))
    return found !== undefined
  }
}

type Somebody = Pick<Asker, 'id'> | typeof anybody

function membershipOf(asker: Somebody) {
  return and(eq(workspaceMembers.workspaceId, workspaces.id), eq(workspaceMembers.userId, asker.id))
}

function placeOf(asker: Somebody) {
  return and(eq(channelMembers.channelId, channels.id), eq(channelMembers.userId, asker.id))
}
