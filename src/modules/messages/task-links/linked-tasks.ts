import { and, eq, type SQL, sql } from 'drizzle-orm'
import { seesProject } from '../../../access/visibility.js'
import type { Queries } from '../../../db/database.js'
import { messageTaskLinks } from '../../../db/schema/chat.js'
import { workspaceMembers } from '../../../db/schema/people.js'
import { projects, tasks } from '../../../db/schema/work.js'
import type { TaskLink } from '../messages.contract.js'

interface Keys {
  /** Keys of tasks, as a `text[]`. */
  keys: SQL
  workspaceId: SQL
  authorId: SQL
}

/**
 * The tasks that keys name, in the order of the keys, as JSON: of those in the workspace that the author
 * sees himself, so that nobody finds out what there is by writing keys.
 */
export function linkedTasks({ keys, workspaceId, authorId }: Keys): SQL<TaskLink[]> {
  return sql<TaskLink[]>`coalesce((
    select jsonb_agg(jsonb_build_object('taskId', task.id, 'key', named.key) order by named.place)
    from unnest(${keys}) with ordinality as named (key, place)
    cross join lateral (
      select ${tasks.id} from ${workspaceMembers}
      join ${projects} on ${projects.workspaceId} = ${workspaceMembers.workspaceId}
      join ${tasks} on ${tasks.projectId} = ${projects.id}
      where ${workspaceMembers.workspaceId} = ${workspaceId} and ${workspaceMembers.userId} = ${authorId}
        and ${projects.key} = split_part(named.key, '-', 1) and ${seesProject}
        and ${tasks.number} = split_part(named.key, '-', 2)::int and ${tasks.deletedAt} is null
      -- One key at a time, from index to index.
      limit 1
    ) task), '[]')`
}

interface LinkingMessage {
  workspaceId: string
  channelId: string
  messageId: string
  sentAt: string
}

/** Puts the links of a message in the place of those that it had. */
export async function replaceLinks(tx: Queries, message: LinkingMessage, links: readonly TaskLink[]) {
  await removeLinks(tx, message)
  if (links.length === 0) return
  await tx.insert(messageTaskLinks).values(links.map(({ taskId }) => ({ ...message, taskId })))
}

/** Takes away the links of a message. */
export async function removeLinks(
  tx: Queries,
  { channelId, messageId }: Pick<LinkingMessage, 'channelId' | 'messageId'>,
) {
  await tx
    .delete(messageTaskLinks)
    .where(and(eq(messageTaskLinks.channelId, channelId), eq(messageTaskLinks.messageId, messageId)))
}
