import { type Placeholder, type SQL, sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import { channelMembers, channels } from '../db/schema/chat.js'
import { activities, notifications } from '../db/schema/feed.js'
import { invitations, workspaceMembers, workspaces } from '../db/schema/people.js'
import { projectMembers, projects, tasks } from '../db/schema/work.js'

// Who sees what, as conditions on rows joined with the reader's own row of `workspace_members`.
// Every load of a single row and every list goes through these; nothing else decides on sight.

/** A workspace that is not deleted. */
export const workspaceIsOpen: SQL = sql`${workspaces.deletedAt} is null`

/** Everybody but guests sees every project of the workspace; guests see those they were added to. */
const isForProject = sql`(${workspaceMembers.role} <> 'guest' or exists (
  select 1 from ${projectMembers}
  where ${projectMembers.projectId} = ${projects.id} and ${projectMembers.userId} = ${workspaceMembers.userId}))`

export const seesProject: SQL = sql`${projects.deletedAt} is null and ${isForProject}`

/** Everybody but guests sees public channels; private ones, and all for guests, need a place in the channel. */
const isForChannel = sql`(
  (${channels.type} = 'public' and ${workspaceMembers.role} <> 'guest') or exists (
  select 1 from ${channelMembers}
  where ${channelMembers.channelId} = ${channels.id} and ${channelMembers.userId} = ${workspaceMembers.userId}))`

export const seesChannel: SQL = sql`${channels.deletedAt} is null and ${isForChannel}`

/**
 * Whether somebody sees a channel, for a statement that reads what is in it: it is asked once, whatever the rows. A
 * statement that finds nothing does not tell why; `Access` does.
 */
export const isSeenChannel = (
  channelId: string | Placeholder,
  userId: string | Placeholder,
): SQL => sql`exists (
  select 1 from ${channels}
  join ${workspaces} on ${workspaces.id} = ${channels.workspaceId}
  join ${workspaceMembers} on ${workspaceMembers.workspaceId} = ${workspaces.id} and ${workspaceMembers.userId} = ${userId}
  where ${channels.id} = ${channelId} and ${workspaceIsOpen} and ${seesChannel})`

const isStillShown = (deletedAt: AnyPgColumn) =>
  sql`(${deletedAt} is null or ${workspaceMembers.role} <> 'guest')`

/** What tells of another task is for those who see that one as well. */
const isForOtherTask = sql`(${workspaceMembers.role} <> 'guest'
  or ${activities.type} not in ('task.related', 'task.unrelated') or exists (
  select 1 from ${tasks} other join ${projectMembers} on ${projectMembers.projectId} = other.project_id
  where other.id = (coalesce(${activities.after}, ${activities.before}) ->> 'taskId')::uuid
    and ${projectMembers.userId} = ${workspaceMembers.userId}))`

/**
 * Activity, on rows joined (left) with their project and channel: of those for whoever sees them, and to
 * all but guests also what became of them until they were deleted. What belongs to neither is for members,
 * except invitations: those are for whoever may invite.
 */
export const seesActivity: SQL = sql`
  (${activities.projectId} is null or (${isForProject} and ${isStillShown(projects.deletedAt)}))
  and ${isForOtherTask}
  and (${activities.channelId} is null or (${isForChannel} and ${isStillShown(channels.deletedAt)}))
  and (${activities.projectId} is not null or ${activities.channelId} is not null
    or ${workspaceMembers.role} in ('admin', 'owner')
    or (${workspaceMembers.role} = 'member' and ${activities.type} not in ('member.invited', 'member.uninvited')))`

/**
 * A notification, on rows joined (left) with the membership of the one who got it, and with its task, project
 * and channel: for as long as he sees what it is about. To an invitation he is no member yet: it is shown
 * while it is pending.
 */
export const seesNotification: SQL = sql`(
  (${workspaceMembers.userId} is not null
    and (${notifications.taskId} is null or (${tasks.id} is not null and ${tasks.deletedAt} is null and ${seesProject}))
    and (${notifications.channelId} is null or (${channels.id} is not null and ${seesChannel})))
  or (${workspaceMembers.userId} is null and exists (
    select 1 from ${invitations}
    where ${invitations.id} = (${notifications.data} ->> 'invitationId')::uuid
      and ${invitations.acceptedAt} is null and ${invitations.revokedAt} is null)))`
