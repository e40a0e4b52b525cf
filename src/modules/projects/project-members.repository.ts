import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, eq } from 'drizzle-orm'
import { byTime } from '../../db/by-time.js'
import { Database } from '../../db/database.js'
import { personColumns } from '../../db/person-columns.js'
import { users, workspaceMembers } from '../../db/schema/people.js'
import { projectMembers } from '../../db/schema/work.js'
import { refuse } from '../../errors.js'
import { type Page, type PageQuery, toPage } from '../../pagination.js'
import {
  lockWorkspace,
  nextActivitySeq,
  recordActivity,
  recordNextActivity,
} from '../activity/record-activity.js'
import { releaseHiddenTasks } from '../tasks/assignees/release-tasks.js'
import type { Task } from '../tasks/tasks.contract.js'
import type { ProjectMember } from './project-members.contract.js'
import { requireOpenProject } from './require-open-project.js'

interface Place {
  projectId: string
  workspaceId: string
  userId: string
}

const memberRow = {
  userId: projectMembers.userId,
  user: personColumns,
  role: workspaceMembers.role,
  addedAt: projectMembers.addedAt,
}

@Repository()
export class ProjectMembersRepository {
  @Autowired(Database) private db!: Database

  /** Those who were added to a project, in that order. */
  async forProject(projectId: string, query: PageQuery): Promise<Page<ProjectMember>> {
    const page = byTime('project-members', projectMembers.addedAt, projectMembers.userId, query)
    const rows = await this.select(projectId, page.beyond)
      .orderBy(...page.order)
      .limit(query.limit + 1)
    return toPage(rows, query.limit, last => page.cursorAt(last.addedAt, last.userId))
  }

  async byId(projectId: string, userId: string): Promise<ProjectMember | undefined> {
    const [found] = await this.select(projectId, eq(projectMembers.userId, userId))
    return found
  }

  /** @returns whether he was not in it before */
  add(actorId: string, place: Place): Promise<boolean> {
    const { workspaceId, projectId, userId } = place
    return this.db.write(async tx => {
      await lockWorkspace(tx, workspaceId)
      await requireOpenProject(tx, projectId)
      const [member] = await tx
        .select({ userId: workspaceMembers.userId })
        .from(workspaceMembers)
        .where(and(eq(workspaceMembers.workspaceId, workspaceId), eq(workspaceMembers.userId, userId)))
      if (!member) throw refuse('NOT_WORKSPACE_MEMBER', { errors: [notMember] })
      const added = await tx
        .insert(projectMembers)
        .values(place)
        .onConflictDoNothing()
        .returning({ userId: projectMembers.userId })
      if (added.length === 0) return false
      await recordNextActivity(tx, {
        workspaceId,
        actorId,
        type: 'project.member_added',
        projectId,
        after: { userId },
      })
      return true
    })
  }

  /** @returns the tasks that he is taken off, because he does not see them any more */
  remove(actorId: string, { workspaceId, projectId, userId }: Place): Promise<Task[]> {
    return this.db.write(async tx => {
      const activity = await nextActivitySeq(tx, workspaceId)
      await requireOpenProject(tx, projectId)
      const removed = await tx
        .delete(projectMembers)
        .where(and(eq(projectMembers.projectId, projectId), eq(projectMembers.userId, userId)))
        .returning({ userId: projectMembers.userId })
      if (removed.length === 0) throw refuse('MEMBER_NOT_FOUND')
      const released = await releaseHiddenTasks(tx, { workspaceId, userId })
      await recordActivity(tx, activity, {
        workspaceId,
        actorId,
        type: 'project.member_removed',
        projectId,
        before: { userId },
      })
      return released
    })
  }

  private select(projectId: string, condition: ReturnType<typeof and>) {
    return this.db.query
      .select(memberRow)
      .from(projectMembers)
      .innerJoin(users, eq(users.id, projectMembers.userId))
      .innerJoin(
        workspaceMembers,
        and(
          eq(workspaceMembers.workspaceId, projectMembers.workspaceId),
          eq(workspaceMembers.userId, projectMembers.userId),
        ),
      )
      .where(and(eq(projectMembers.projectId, projectId), condition))
      .$dynamic()
  }
}

const notMember = { path: 'params.userId', message: 'is not a member of the workspace' }
