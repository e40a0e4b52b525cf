import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, eq, sql } from 'drizzle-orm'
import type { AnyPgColumn } from 'drizzle-orm/pg-core'
import { Database } from '../db/database.js'
import { channels } from '../db/schema/chat.js'
import { workspaceMembers, workspaces } from '../db/schema/people.js'
import { projects } from '../db/schema/work.js'
import { seesChannel, seesProject, workspaceIsOpen } from './visibility.js'

/** A thing and somebody who may see it. */
export interface Pair {
  id: string
  userId: string
}

/** Who still sees what, of many at once: each in one statement. */
@Repository()
export class AccessPairs {
  @Autowired(Database) private db!: Database

  /** Those of some pairs in which the user sees the channel. */
  async channelReaders(pairs: readonly Pair[]): Promise<Pair[]> {
    return this.db.query
      .select({ id: channels.id, userId: workspaceMembers.userId })
      .from(channels)
      .innerJoin(workspaces, eq(workspaces.id, channels.workspaceId))
      .innerJoin(workspaceMembers, eq(workspaceMembers.workspaceId, workspaces.id))
      .where(and(isAmong(channels.id, pairs), workspaceIsOpen, seesChannel))
  }

  /** Those of some pairs in which the user sees the project. */
  async projectViewers(pairs: readonly Pair[]): Promise<Pair[]> {
    return this.db.query
      .select({ id: projects.id, userId: workspaceMembers.userId })
      .from(projects)
      .innerJoin(workspaces, eq(workspaces.id, projects.workspaceId))
      .innerJoin(workspaceMembers, eq(workspaceMembers.workspaceId, workspaces.id))
      .where(and(isAmong(projects.id, pairs), workspaceIsOpen, seesProject))
  }

  /** The workspaces that some users belong to. */
  async memberships(userIds: readonly string[]): Promise<Pair[]> {
    return this.db.query
      .select({ id: workspaces.id, userId: workspaceMembers.userId })
      .from(workspaceMembers)
      .innerJoin(workspaces, eq(workspaces.id, workspaceMembers.workspaceId))
      .where(and(sql`${workspaceMembers.userId} = any(${sql.param(userIds)}::uuid[])`, workspaceIsOpen))
  }
}

function isAmong(id: AnyPgColumn, pairs: readonly Pair[]) {
  const ids = sql.param(pairs.map(pair => pair.id))
  const userIds = sql.param(pairs.map(({ userId }) => userId))
  return sql`(${id}, ${workspaceMembers.userId}) in (select * from unnest(${ids}::uuid[], ${userIds}::uuid[]))`
}
