import { Autowired, Service } from '@forinda/kickjs-core'
import { type ErrorCode, refuse } from '../errors.js'
import { AccessPairs, type Pair } from './access-pairs.js'
import { AccessRows } from './access-rows.js'
import type { Asker } from './asker.js'
import { atLeast, type Role } from './roles.js'

/**
 * The one page that decides who may see and change what: each method gives the thing that is asked
 * for, with the asker's role in its workspace. What he does not see does not exist for him (404; who
 * sees what is said in `visibility.ts`); what he sees but may not change is refused (403).
 */
@Service()
export class Access {
  @Autowired(AccessRows) private rows!: AccessRows
  @Autowired(AccessPairs) private pairs!: AccessPairs

  /** A workspace that the user belongs to. */
  async workspace(user: Asker, workspaceId: string, minimum: Role = 'guest') {
    const found = existing(await this.rows.workspace(user, workspaceId), 'WORKSPACE_NOT_FOUND')
    return allowed(found, minimum)
  }

  /** A pending invitation: those who may invite see it. `invitedRole` is what it gives. */
  async invitation(user: Asker, invitationId: string) {
    const found = existing(await this.rows.invitation(user, invitationId), 'INVITATION_NOT_FOUND')
    if (!atLeast(found.role, 'admin')) throw refuse('INVITATION_NOT_FOUND')
    return found
  }

  /** A project that the user sees. */
  async project(user: Asker, projectId: string, minimum: Role = 'guest') {
    return allowed(existing(await this.rows.project(user, projectId), 'PROJECT_NOT_FOUND'), minimum)
  }

  /** To rename or delete a project: an admin, or the one who created it. */
  async projectToManage(user: Asker, projectId: string) {
    const project = await this.project(user, projectId)
    const isCreator = project.role !== 'guest' && project.createdBy === user.id
    if (!isCreator && !atLeast(project.role, 'admin')) throw refuse('FORBIDDEN')
    return project
  }

  /** A task in a project that the user sees. Whoever sees it may edit it. */
  async task(user: Asker, taskId: string) {
    return existing(await this.rows.task(user, taskId), 'TASK_NOT_FOUND')
  }

  /** A guest deletes only what he reported himself. */
  async taskToDelete(user: Asker, taskId: string) {
    const task = await this.task(user, taskId)
    if (!atLeast(task.role, 'member') && task.reporterId !== user.id) throw refuse('GUEST_FORBIDDEN')
    return task
  }

  /** A label of a workspace that the user belongs to: guests see all of them, so that they can use them. */
  async label(user: Asker, labelId: string, minimum: Role = 'guest') {
    return allowed(existing(await this.rows.label(user, labelId), 'LABEL_NOT_FOUND'), minimum)
  }

  /** A label that a task which the user sees may carry: one of its own workspace. */
  async labelForTask(user: Asker, { taskId, labelId }: { taskId: string; labelId: string }) {
    const task = await this.task(user, taskId)
    const label = await this.label(user, labelId)
    if (label.workspaceId !== task.workspaceId) throw refuse('LABEL_NOT_FOUND')
    return label
  }

  /** A comment, deleted or not, on a task that the user sees. */
  async comment(user: Asker, commentId: string) {
    return existing(await this.rows.comment(user, commentId), 'COMMENT_NOT_FOUND')
  }

  /** Only the author edits. */
  async commentToEdit(user: Asker, commentId: string) {
    const comment = await this.comment(user, commentId)
    if (comment.authorId !== user.id) throw refuse('NOT_COMMENT_AUTHOR')
    return comment
  }

  /** The author deletes, and so do the workspace's admins. */
  async commentToDelete(user: Asker, commentId: string) {
    const comment = await this.comment(user, commentId)
    if (comment.authorId !== user.id && !atLeast(comment.role, 'admin')) throw refuse('FORBIDDEN')
    return comment
  }

  /** An attachment of a task that the user sees, with all that is needed to give its file away. */
  async attachment(user: Asker, attachmentId: string) {
    return existing(await this.rows.attachment(user, attachmentId), 'ATTACHMENT_NOT_FOUND')
  }

  /** Whoever uploaded it deletes it, and so do the workspace's admins. */
  async attachmentToDelete(user: Asker, attachmentId: string) {
    const attachment = await this.attachment(user, attachmentId)
    if (attachment.uploaderId !== user.id && !atLeast(attachment.role, 'admin')) throw refuse('FORBIDDEN')
    return attachment
  }

  /** A channel that the user may read, and so write in; `channelRole` is null where he is not a member of it. */
  async channel(user: Asker, channelId: string) {
    return existing(await this.rows.channel(user, channelId), 'CHANNEL_NOT_FOUND')
  }

  /** Those among some users who may read a channel. */
  async readersAmong(channelId: string, userIds: readonly string[]): Promise<string[]> {
    const readers = await this.channelReaders(userIds.map(userId => ({ id: channelId, userId })))
    return readers.map(({ userId }) => userId)
  }

  /** Of some pairs of a channel and a user those in which he may read it, in one statement. */
  async channelReaders(pairs: readonly Pair[]): Promise<Pair[]> {
    return pairs.length === 0 ? [] : this.pairs.channelReaders(pairs)
  }

  /** Of some pairs of a project and a user those in which he sees it, in one statement. */
  async projectViewers(pairs: readonly Pair[]): Promise<Pair[]> {
    return pairs.length === 0 ? [] : this.pairs.projectViewers(pairs)
  }

  /** The ids of the workspaces that each of some users belongs to. */
  async workspacesOf(userIds: readonly string[]): Promise<Map<string, string[]>> {
    const found = new Map<string, string[]>(userIds.map(userId => [userId, []]))
    if (found.size === 0) return found
    for (const { id, userId } of await this.pairs.memberships(userIds)) found.get(userId)?.push(id)
    return found
  }

  /** To change a channel or its members: its own admins, and for a public one the workspace's. */
  async channelToManage(user: Asker, channelId: string) {
    const channel = await this.channel(user, channelId)
    if (!managesChannel(channel)) throw refuse('FORBIDDEN')
    return channel
  }

  /** A message, deleted or not, in a channel that the user may read. */
  async message(user: Asker, messageId: string) {
    return existing(await this.rows.message(user, messageId), 'MESSAGE_NOT_FOUND')
  }

  /** Only the author edits. */
  async messageToEdit(user: Asker, messageId: string) {
    const message = await this.message(user, messageId)
    if (message.senderId !== user.id) throw refuse('NOT_MESSAGE_AUTHOR')
    return message
  }

  /** The author deletes, and so does whoever manages the channel. */
  async messageToDelete(user: Asker, messageId: string) {
    const message = await this.message(user, messageId)
    if (message.senderId !== user.id && !managesChannel(message.channel)) throw refuse('FORBIDDEN')
    return message
  }

  /** A notification that the user got, while he sees what it is about. */
  async notification(user: Asker, notificationId: string) {
    return existing(await this.rows.notification(user, notificationId), 'NOTIFICATION_NOT_FOUND')
  }

  /** Nothing but a question: whether the user runs the server. That opens no workspace to him. */
  async operator(user: Asker): Promise<void> {
    if (!(await this.rows.isOperator(user))) throw refuse('FORBIDDEN')
  }

  /** Somebody else, for whoever shares a workspace with him; each may see himself. */
  async person(user: Asker, userId: string) {
    return existing(await this.rows.person(user, userId), 'USER_NOT_FOUND')
  }
}

interface ChannelPlace {
  type: 'public' | 'private'
  role: Role
  channelRole: 'member' | 'admin' | null
}

function managesChannel({ type, role, channelRole }: ChannelPlace): boolean {
  return channelRole === 'admin' || (type === 'public' && atLeast(role, 'admin'))
}

function existing<T>(found: T | undefined, code: ErrorCode): T {
  if (found === undefined) throw refuse(code)
  return found
}

function allowed<T extends { role: Role }>(found: T, minimum: Role): T {
  if (!atLeast(found.role, minimum)) throw refuse(found.role === 'guest' ? 'GUEST_FORBIDDEN' : 'FORBIDDEN')
  return found
}
