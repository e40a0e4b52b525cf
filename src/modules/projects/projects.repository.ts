import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, asc, eq, gt, sql } from 'drizzle-orm'
import { v7 } from 'uuid'
import { z } from 'zod'
import { seesProject, workspaceIsOpen } from '../../access/visibility.js'
import { decodeCursor, encodeCursor } from '../../cursor.js'
import { Database, violatedConstraint } from '../../db/database.js'
import { workspaceMembers, workspaces } from '../../db/schema/people.js'
import { projectStatuses, projects } from '../../db/schema/work.js'
import { refuse } from '../../errors.js'
import { uuid } from '../../fields.contract.js'
import { type Page, type PageQuery, toPage } from '../../pagination.js'
import { changedFields } from '../activity/changed-fields.js'
import { lockWorkspace, nextActivitySeq, recordActivity } from '../activity/record-activity.js'
import { unlinkChannels } from '../channels/project-links.js'
import type { ProjectStatus } from '../tasks/board/columns.contract.js'
import { defaultStatuses } from './default-statuses.js'
import type { createProject, Project, updateProject } from './projects.contract.js'
import { requireOpenProject } from './require-open-project.js'

type NewProject = z.output<typeof createProject.body> & { workspaceId: string }
type Changes = z.output<typeof updateProject.body>
interface Place {
  id: string
  workspaceId: string
}

const statuses = sql<ProjectStatus[]>`(
  select json_agg(json_build_object('key', s.key, 'name', s.name, 'group', s.group, 'position', s.position,
    'wipLimit', s.wip_limit, 'transitions', s.transitions) order by s.position)
  from ${projectStatuses} s where s.project_id = ${projects.id})`

const projectRow = {
  id: projects.id,
  workspaceId: projects.workspaceId,
  name: projects.name,
  key: projects.key,
  description: projects.description,
  statuses,
  createdBy: projects.createdBy,
  lastSeq: projects.lastSeq,
  createdAt: projects.createdAt,
  updatedAt: projects.updatedAt,
}

@Repository()
export class ProjectsRepository {
  @Autowired(Database) private db!: Database

  /** A project as this reader sees it; undefined where he does not. */
  async byId(readerId: string, projectId: string): Promise<Project | undefined> {
    const [found] = await this.visibleTo(readerId, eq(projects.id, projectId))
    return found
  }

  /** The projects of a workspace that this reader sees, the oldest first. */
  async forWorkspace(readerId: string, workspaceId: string, query: PageQuery): Promise<Page<Project>> {
    const after = query.cursor ? decodeCursor('projects', z.tuple([uuid]), query.cursor) : undefined
    const inPage = and(eq(projects.workspaceId, workspaceId), after && gt(projects.id, after[0]))
    const rows = await this.visibleTo(readerId, inPage)
      .orderBy(asc(projects.id))
      .limit(query.limit + 1)
    return toPage(rows, query.limit, last => encodeCursor('projects', [last.id]))
  }

  async create(creatorId: string, { workspaceId, ...given }: NewProject): Promise<string> {
    const id = v7()
    try {
      await this.db.write(async tx => {
        const activity = await nextActivitySeq(tx, workspaceId)
        await tx.insert(projects).values({ id, workspaceId, createdBy: creatorId, ...given })
        const columns = defaultStatuses.map((status, position) => ({ projectId: id, position, ...status }))
        await tx.insert(projectStatuses).values(columns)
        await recordActivity(tx, activity, {
          workspaceId,
          actorId: creatorId,
          type: 'project.created',
          projectId: id,
          after: given,
        })
      })
      return id
    } catch (error) {
      if (violatedConstraint(error) === 'projects_workspace_id_key_index') throw refuse('PROJECT_KEY_TAKEN')
      throw error
    }
  }

  /** @returns whether anything was to change */
  update(actorId: string, { id, workspaceId }: Place, wanted: Changes): Promise<boolean> {
    return this.db.write(async tx => {
      await lockWorkspace(tx, workspaceId)
      const changed = changedFields(await requireOpenProject(tx, id), wanted)
      if (!changed) return false
      const activity = await nextActivitySeq(tx, workspaceId)
      await tx
        .update(projects)
        .set({ ...changed.after, updatedAt: sql`now()` })
        .where(eq(projects.id, id))
      await recordActivity(tx, activity, {
        workspaceId,
        actorId,
        type: 'project.updated',
        projectId: id,
        ...changed,
      })
      return true
    })
  }

  /** @returns the ids of the channels that belonged to it, and to no project from now on */
  softDelete(actorId: string, { id, workspaceId }: Place): Promise<string[]> {
    return this.db.write(async tx => {
      const activity = await nextActivitySeq(tx, workspaceId)
      const before = await requireOpenProject(tx, id)
      await tx
        .update(projects)
        .set({ deletedAt: sql`now()`, updatedAt: sql`now()` })
        .where(eq(projects.id, id))
      const channelIds = await unlinkChannels(tx, workspaceId, id)
      await recordActivity(tx, activity, {
        workspaceId,
        actorId,
        type: 'project.deleted',
        projectId: id,
        before: { name: before.name },
      })
      return channelIds
    })
  }

  private visibleTo(readerId: string, condition: ReturnType<typeof and>) {
    return this.db.query
      .select(projectRow)
      .from(projects)
      .innerJoin(workspaces, eq(workspaces.id, projects.workspaceId))
      .innerJoin(
        workspaceMembers,
        and(eq(workspaceMembers.workspaceId, workspaces.id), eq(workspaceMembers.userId, readerId)),
      )
      .where(and(condition, workspaceIsOpen, seesProject))
      .$dynamic()
  }
}
