import { Autowired, Service } from '@forinda/kickjs-core'
import { and, eq, exists, isNull, or, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/pg-core'
import { Database } from '../db/database.js'
import { channelMembers, channels, messages } from '../db/schema/chat.js'
import { invitations, users, workspaceMembers, workspaces } from '../db/schema/people.js'
import { projects, tasks } from '../db/schema/work.js'
import { refuse } from '../errors.js'
import { atLeast, type Role } from './roles.js'
import { seesChannel, seesProject, workspaceIsOpen } from './visibility.js'

/** Whoever asks: all that access depends on is who he is. */
interface Asker {
  id: string
}

const workspaceColumns = {
  id: workspaces.id,
  name: workspaces.name,
  slug: workspaces.slug,
  role: workspaceMembers.role,
}
const invitationColumns = {
  id: invitations.id,
  workspaceId: invitations.workspaceId,
  invitedRole: invitations.role,
  role: workspaceMembers.role,
}
const projectColumns = {
  id: projects.id,
  workspaceId: projects.workspaceId,
  key: projects.key,
  name: projects.name,
  createdBy: projects.createdBy,
  lastSeq: projects.lastSeq,
  role: workspaceMembers.role,
}
const taskColumns = {
  id: tasks.id,
  workspaceId: tasks.workspaceId,
  projectId: tasks.projectId,
  reporterId: tasks.reporterId,
  role: workspaceMembers.role,
}
const channelColumns = {
  id: channels.id,
  workspaceId: channels.workspaceId,
  name: channels.name,
  type: channels.type,
  lastSeq: channels.lastSeq,
  role: workspaceMembers.role,
  channelRole: channelMembers.role,
}
const personColumns = {
  id: users.id,
  username: users.username,
  firstName: users.firstName,
  lastName: users.lastName,
  avatarUrl: users.avatarUrl,
}
const colleagues = alias(workspaceMembers, 'colleagues')
const messageColumns = {
  id: messages.id,
  senderId: messages.senderId,
  deletedAt: messages.deletedAt,
  channel: channelColumns,
}

/**
 * The one page that decides who may see and change what. Each method loads the thing that is asked
 * for together with the asker's role, in one statement. What he may not see does not exist for him
 * (404); what he may see but not change is refused (403).
 */
@Service()
export class Access {
  @Autowired(Database) private db!: Database

  /** A workspace that the user belongs to, with his role in it. */
  async workspace(user: Asker, workspaceId: string, minimum: Role = 'guest') {
    const [found] = await this.db.query
      .select(workspaceColumns)
      .from(workspaces)
      .innerJoin(workspaceMembers, this.membership(user))
      .where(and(eq(workspaces.id, workspaceId), workspaceIsOpen))
    if (!found) throw refuse('WORKSPACE_NOT_FOUND')
    return allowed(found, minimum)
  }

  /** A pending invitation: those who may invite see it. `invitedRole` is what it gives. */
  async invitation(user: Asker, invitationId: string) {
    const [found] = await this.db.query
      .select(invitationColumns)
      .from(invitations)
      .innerJoin(workspaces, eq(workspaces.id, invitations.workspaceId))
      .innerJoin(workspaceMembers, this.membership(user))
      .where(
        and(
          eq(invitations.id, invitationId),
          isNull(invitations.acceptedAt),
          isNull(invitations.revokedAt),
          workspaceIsOpen,
        ),
      )
    if (!found || !atLeast(found.role, 'admin')) throw refuse('INVITATION_NOT_FOUND')
    return found
  }

  async project(user: Asker, projectId: string, minimum: Role = 'guest') {
    const [found] = await this.db.query
      .select(projectColumns)
      .from(projects)
      .innerJoin(workspaces, eq(workspaces.id, projects.workspaceId))
      .innerJoin(workspaceMembers, this.membership(user))
      .where(and(eq(projects.id, projectId), workspaceIsOpen, seesProject))
    if (!found) throw refuse('PROJECT_NOT_FOUND')
    return allowed(found, minimum)
  }

  /** To rename or delete a project: an admin, or the one who created it. */
  async projectToManage(user: Asker, projectId: string) {
    const project = await this.project(user, projectId)
    const manages =
      atLeast(project.role, 'admin') || (project.role !== 'guest' && project.createdBy === user.id)
    if (!manages) throw refuse('FORBIDDEN')
    return project
  }

  /** A task in a project that the user sees. Whoever sees it may edit it. */
  async task(user: Asker, taskId: string) {
    const [found] = await this.db.query
      .select(taskColumns)
      .from(tasks)
      .innerJoin(projects, eq(projects.id, tasks.projectId))
      .innerJoin(workspaces, eq(workspaces.id, tasks.workspaceId))
      .innerJoin(workspaceMembers, this.membership(user))
      .where(and(eq(tasks.id, taskId), isNull(tasks.deletedAt), workspaceIsOpen, seesProject))
    if (!found) throw refuse('TASK_NOT_FOUND')
    return found
  }

  /** A guest deletes only what he reported himself. */
  async taskToDelete(user: Asker, taskId: string) {
    const task = await this.task(user, taskId)
    if (!atLeast(task.role, 'member') && task.reporterId !== user.id) throw refuse('GUEST_FORBIDDEN')
    return task
  }

  /** A channel that the user may read, and so write in; `channelRole` is null where he is not a member of it. */
  async channel(user: Asker, channelId: string) {
    const [found] = await this.db.query
      .select(channelColumns)
      .from(channels)
      .innerJoin(workspaces, eq(workspaces.id, channels.workspaceId))
      .innerJoin(workspaceMembers, this.membership(user))
      .leftJoin(channelMembers, this.place(user))
      .where(and(eq(channels.id, channelId), workspaceIsOpen, seesChannel))
    if (!found) throw refuse('CHANNEL_NOT_FOUND')
    return found
  }

  /** Those among some users who may read a channel. */
  async readersAmong(channelId: string, userIds: readonly string[]): Promise<string[]> {
    if (userIds.length === 0) return []
    const found = await this.db.query
      .select({ userId: workspaceMembers.userId })
      .from(channels)
      .innerJoin(workspaces, eq(workspaces.id, channels.workspaceId))
      .innerJoin(workspaceMembers, eq(workspaceMembers.workspaceId, workspaces.id))
      .where(
        and(
          eq(channels.id, channelId),
          sql`${workspaceMembers.userId} = any(${sql.param(userIds)}::uuid[])`,
          workspaceIsOpen,
          seesChannel,
        ),
      )
    return found.map(({ userId }) => userId)
  }

  /** To change a channel or its members: its own admins, and for a public one the workspace's. */
  async channelToManage(user: Asker, channelId: string) {
    const channel = await this.channel(user, channelId)
    if (!managesChannel(channel)) throw refuse('FORBIDDEN')
    return channel
  }

  /** A message, deleted or not, in a channel that the user may read. */
  async message(user: Asker, messageId: string) {
    const [found] = await this.db.query
      .select(messageColumns)
      .from(messages)
      .innerJoin(channels, eq(channels.id, messages.channelId))
      .innerJoin(workspaces, eq(workspaces.id, channels.workspaceId))
      .innerJoin(workspaceMembers, this.membership(user))
      .leftJoin(channelMembers, this.place(user))
      .where(and(eq(messages.id, messageId), workspaceIsOpen, seesChannel))
    if (!found) throw refuse('MESSAGE_NOT_FOUND')
    return found
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

  /** Somebody else, for whoever shares a workspace with him; each may see himself. */
  async person(user: Asker, userId: string) {
    const shared = this.db.query
      .select({ id: workspaces.id })
      .from(workspaces)
      .innerJoin(workspaceMembers, this.membership(user))
      .innerJoin(colleagues, eq(colleagues.workspaceId, workspaces.id))
      .where(and(eq(colleagues.userId, users.id), workspaceIsOpen))
    const [found] = await this.db.query
      .select(personColumns)
      .from(users)
      .where(and(eq(users.id, userId), or(eq(users.id, user.id), exists(shared))))
    if (!found) throw refuse('USER_NOT_FOUND')
    return found
  }

  private membership(user: Asker) {
    return and(eq(workspaceMembers.workspaceId, workspaces.id), eq(workspaceMembers.userId, user.id))
  }

  private place(user: Asker) {
    return and(eq(channelMembers.channelId, channels.id), eq(channelMembers.userId, user.id))
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

function allowed<T extends { role: Role }>(found: T, minimum: Role): T {
  if (!atLeast(found.role, minimum)) throw refuse(found.role === 'guest' ? 'GUEST_FORBIDDEN' : 'FORBIDDEN')
  return found
}
