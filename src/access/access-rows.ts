import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, eq, exists, isNull, or, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/pg-core'
import { Database } from '../db/database.js'
import { personColumns } from '../db/person-columns.js'
import { channelMembers, channels, messages } from '../db/schema/chat.js'
import { invitations, users, workspaceMembers, workspaces } from '../db/schema/people.js'
import { projects, tasks } from '../db/schema/work.js'
import type { Asker } from './asker.js'
import { seesChannel, seesProject, workspaceIsOpen } from './visibility.js'

const { role } = workspaceMembers
const workspaceColumns = { id: workspaces.id, name: workspaces.name, slug: workspaces.slug, role }
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

/**
 * Things together with the asker's role in their workspace, each in one statement, or undefined where
 * he does not see them. What he may do with them is decided in `access.ts`.
 */
@Repository()
export class AccessRows {
  @Autowired(Database) private db!: Database

  async workspace(asker: Asker, workspaceId: string) {
    const [found] = await this.db.query
      .select(workspaceColumns)
      .from(workspaces)
      .innerJoin(workspaceMembers, membershipOf(asker))
      .where(and(eq(workspaces.id, workspaceId), workspaceIsOpen))
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
    const [found] = await this.db.query
      .select(projectColumns)
      .from(projects)
      .innerJoin(workspaces, eq(workspaces.id, projects.workspaceId))
      .innerJoin(workspaceMembers, membershipOf(asker))
      .where(and(eq(projects.id, projectId), workspaceIsOpen, seesProject))
    return found
  }

  async task(asker: Asker, taskId: string) {
    const [found] = await this.db.query
      .select(taskColumns)
      .from(tasks)
      .innerJoin(projects, eq(projects.id, tasks.projectId))
      .innerJoin(workspaces, eq(workspaces.id, tasks.workspaceId))
      .innerJoin(workspaceMembers, membershipOf(asker))
      .where(and(eq(tasks.id, taskId), isNull(tasks.deletedAt), workspaceIsOpen, seesProject))
    return found
  }

  /** `channelRole` is null where the asker is not a member of the channel. */
  async channel(asker: Asker, channelId: string) {
    const [found] = await this.db.query
      .select(channelColumns)
      .from(channels)
      .innerJoin(workspaces, eq(workspaces.id, channels.workspaceId))
      .innerJoin(workspaceMembers, membershipOf(asker))
      .leftJoin(channelMembers, placeOf(asker))
      .where(and(eq(channels.id, channelId), workspaceIsOpen, seesChannel))
    return found
  }

  /** Deleted or not. */
  async message(asker: Asker, messageId: string) {
    const [found] = await this.db.query
      .select(messageColumns)
      .from(messages)
      .innerJoin(channels, eq(channels.id, messages.channelId))
      .innerJoin(workspaces, eq(workspaces.id, channels.workspaceId))
      .innerJoin(workspaceMembers, membershipOf(asker))
      .leftJoin(channelMembers, placeOf(asker))
      .where(and(eq(messages.id, messageId), workspaceIsOpen, seesChannel))
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

  /** Those among some users who see a channel. */
  async readersAmong(channelId: string, userIds: readonly string[]): Promise<string[]> {
    const isAmong = sql`${workspaceMembers.userId} = any(${sql.param(userIds)}::uuid[])`
    const found = await this.db.query
      .select({ userId: workspaceMembers.userId })
      .from(channels)
      .innerJoin(workspaces, eq(workspaces.id, channels.workspaceId))
      .innerJoin(workspaceMembers, eq(workspaceMembers.workspaceId, workspaces.id))
      .where(and(eq(channels.id, channelId), isAmong, workspaceIsOpen, seesChannel))
    return found.map(({ userId }) => userId)
  }
}

function membershipOf(asker: Asker) {
  return and(eq(workspaceMembers.workspaceId, workspaces.id), eq(workspaceMembers.userId, asker.id))
}

function placeOf(asker: Asker) {
  return and(eq(channelMembers.channelId, channels.id), eq(channelMembers.userId, asker.id))
}
