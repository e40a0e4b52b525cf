import { type SQL, sql } from 'drizzle-orm'
import { channelMembers, channels } from '../db/schema/chat.js'
import { workspaceMembers, workspaces } from '../db/schema/people.js'
import { projectMembers, projects } from '../db/schema/work.js'

// Who sees what, as conditions on rows joined with the reader's own row of `workspace_members`.
// Every load of a single row and every list goes through these; nothing else decides on sight.

/** A workspace that is not deleted. */
export const workspaceIsOpen: SQL = sql`${workspaces.deletedAt} is null`

/** Everybody but guests sees every project of the workspace; guests see those they were added to. */
export const seesProject: SQL = sql`${projects.deletedAt} is null and (${workspaceMembers.role} <> 'guest' or exists (
  select 1 from ${projectMembers}
  where ${projectMembers.projectId} = ${projects.id} and ${projectMembers.userId} = ${workspaceMembers.userId}))`

/** Everybody but guests sees public channels; private ones, and all for guests, need a place in the channel. */
export const seesChannel: SQL = sql`${channels.deletedAt} is null and (
  (${channels.type} = 'public' and ${workspaceMembers.role} <> 'guest') or exists (
  select 1 from ${channelMembers}
  where ${channelMembers.channelId} = ${channels.id} and ${channelMembers.userId} = ${workspaceMembers.userId}))`
