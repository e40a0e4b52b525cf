import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, asc, eq, gt, sql } from 'drizzle-orm'
import { v7 } from 'uuid'
import { z } from 'zod'
import { workspaceIsOpen } from '../../access/visibility.js'
import { decodeCursor, encodeCursor } from '../../cursor.js'
import { Database, type Queries, violatedConstraint } from '../../db/database.js'
import { workspaceMembers, workspaces } from '../../db/schema/people.js'
import { refuse } from '../../errors.js'
import { uuid } from '../../fields.contract.js'
import { type Page, type PageQuery, toPage } from '../../pagination.js'
import { changedFields } from '../activity/changed-fields.js'
import {
  lockWorkspace,
  nextActivitySeq,
  recordActivity,
  recordNextActivity,
} from '../activity/record-activity.js'
import { slugsFor } from './slug.js'
import type { createWorkspace, updateWorkspace, Workspace } from './workspaces.contract.js'

type NewWorkspace = z.output<typeof createWorkspace.body>
type Changes = z.output<typeof updateWorkspace.body>

const workspaceRow = {
  id: workspaces.id,
  name: workspaces.name,
  slug: workspaces.slug,
  role: workspaceMembers.role,
  createdAt: workspaces.createdAt,
  updatedAt: workspaces.updatedAt,
}

@Repository()
export class WorkspacesRepository {
  @Autowired(Database) private db!: Database

  /** A workspace as this member sees it; undefined for anybody else. */
  async byId(userId: string, workspaceId: string): Promise<Workspace | undefined> {
    const [found] = await select(this.db.query, userId, eq(workspaces.id, workspaceId))
    return found
  }

  /** The workspaces somebody belongs to, the oldest first. */
  async forUser(userId: string, query: PageQuery): Promise<Page<Workspace>> {
    const after = query.cursor ? decodeCursor('workspaces', z.tuple([uuid]), query.cursor) : undefined
    const rows = await select(this.db.query, userId, after && gt(workspaceMembers.workspaceId, after[0]))
      .orderBy(asc(workspaceMembers.workspaceId))
      .limit(query.limit + 1)
    return toPage(rows, query.limit, last => encodeCursor('workspaces', [last.id]))
  }

  /** Whoever creates it is its owner. */
  create(creatorId: string, { name, slug }: NewWorkspace): Promise<string> {
    const id = v7()
    return this.db.write(async tx => {
      const taken = await insertUnderFreeSlug(tx, { id, name }, slug === undefined ? slugsFor(name) : [slug])
      await tx.insert(workspaceMembers).values({ workspaceId: id, userId: creatorId, role: 'owner' })
      await recordNextActivity(tx, {
        workspaceId: id,
        actorId: creatorId,
        type: 'workspace.created',
        after: { name, slug: taken },
      })
      return id
    })
  }

  /** @returns whether anything was to change */
  async update(actorId: string, workspaceId: string, wanted: Changes): Promise<boolean> {
    try {
      return await this.db.write(async tx => {
        await lockWorkspace(tx, workspaceId)
        const changed = changedFields(await current(tx, workspaceId), wanted)
        if (!changed) return false
        const activity = await nextActivitySeq(tx, workspaceId)
        await tx
          .update(workspaces)
          .set({ ...changed.after, updatedAt: sql`now()` })
          .where(eq(workspaces.id, workspaceId))
        await recordActivity(tx, activity, { workspaceId, actorId, type: 'workspace.updated', ...changed })
        return true
      })
    } catch (error) {
      if (violatedConstraint(error) === 'workspaces_slug_index') throw refuse('SLUG_TAKEN')
      throw error
    }
  }

  softDelete(actorId: string, workspaceId: string): Promise<void> {
    return this.db.write(async tx => {
      const activity = await nextActivitySeq(tx, workspaceId)
      await tx
        .update(workspaces)
        .set({ deletedAt: sql`now()`, updatedAt: sql`now()` })
        .where(eq(workspaces.id, workspaceId))
      await recordActivity(tx, activity, { workspaceId, actorId, type: 'workspace.deleted' })
    })
  }
}

function select(queries: Queries, userId: string, condition: ReturnType<typeof and>) {
  return queries
    .select(workspaceRow)
    .from(workspaceMembers)
    .innerJoin(workspaces, eq(workspaces.id, workspaceMembers.workspaceId))
    .where(and(eq(workspaceMembers.userId, userId), workspaceIsOpen, condition))
    .$dynamic()
}

async function current(tx: Queries, workspaceId: string) {
  const [found] = await tx
    .select({ name: workspaces.name, slug: workspaces.slug })
    .from(workspaces)
    .where(eq(workspaces.id, workspaceId))
  if (!found) throw refuse('WORKSPACE_NOT_FOUND')
  return found
}

async function insertUnderFreeSlug(
  tx: Queries,
  workspace: { id: string; name: string },
  slugs: Iterable<string>,
): Promise<string> {
  for (const slug of slugs) {
    const inserted = await tx
      .insert(workspaces)
      .values({ ...workspace, slug })
      .onConflictDoNothing()
      .returning({ id: workspaces.id })
    if (inserted.length > 0) return slug
  }
  throw refuse('SLUG_TAKEN')
}
