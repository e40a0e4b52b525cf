import { and, eq } from 'drizzle-orm'
import { recordNextActivity } from '../../modules/activity/record-activity.js'
import type { Database } from '../database.js'
import { activities } from '../schema/feed.js'
import { users, workspaceMembers } from '../schema/people.js'
import { password, people } from './story.js'

/** What the activity of a workspace says once all of the demo data is there. Only the seed writes it. */
const SEEDED = 'workspace.seeded'

/** The accounts to try Vibed with, one a line with its password; none where the database was not seeded. */
export async function demoLogins({ query }: Database): Promise<string[]> {
  const [seeded] = await query
    .select({ seq: activities.seq })
    .from(users)
    .innerJoin(workspaceMembers, eq(workspaceMembers.userId, users.id))
    .innerJoin(
      activities,
      and(eq(activities.workspaceId, workspaceMembers.workspaceId), eq(activities.type, SEEDED)),
    )
    .where(eq(users.email, people.ada.email))
    .limit(1)
  return seeded ? Object.values(people).map(({ email }) => `${email}  ${password}`) : []
}

/** Notes, at the very end, that the demo data is complete. */
export function markSeeded(database: Database, workspaceId: string): Promise<void> {
  return database.write(tx => recordNextActivity(tx, { workspaceId, actorId: null, type: SEEDED }))
}
