import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, eq } from 'drizzle-orm'
import type { Role } from '../../../access/roles.js'
import { byTime } from '../../../db/by-time.js'
import { Database, type Queries } from '../../../db/database.js'
import { personColumns } from '../../../db/person-columns.js'
import { users, workspaceMembers } from '../../../db/schema/people.js'
import { refuse } from '../../../errors.js'
import { type Page, type PageQuery, toPage } from '../../../pagination.js'
import { lockWorkspace, recordNextActivity } from '../../activity/record-activity.js'
import { releaseHiddenTasks, releaseTasks } from '../../tasks/assignees/release-tasks.js'
import type { Task } from '../../tasks/tasks.contract.js'
import { markPublicChannelsRead } from './joining.js'
import type { Member } from './members.contract.js'
import { roleOf } from './role-of.js'
import { refuseRoleAbove } from './role-rules.js'

const memberRow = {
  userId: workspaceMembers.userId,
  user: personColumns,
  role: workspaceMembers.role,
  joinedAt: workspaceMembers.joinedAt,
}

@Repository()
export class MembersRepository {
  @Autowired(Database) private db!: Database

  /** The members of a workspace in the order they joined. */
  async forWorkspace(workspaceId: string, query: PageQuery): Promise<Page<Member>> {
    const page = byTime('members', workspaceMembers.joinedAt, workspaceMembers.userId, query)
    const rows = await select(this.db.query, workspaceId, page.beyond)
      .orderBy(...page.order)
      .limit(query.limit + 1)
    return toPage(rows, query.limit, last => page.cursorAt(last.joinedAt, last.userId))
  }

  /** `changed` is false when it was his role already; a new guest is taken off tasks that he does not see any more. */
  changeRole(actorId: string, place: Place, role: Role): Promise<RoleChange> {
    const { workspaceId, userId } = place
    return this.db.write(async tx => {
      const { actor, target } = await lockRoles(tx, workspaceId, actorId, userId)
      refuseRoleAbove(actor, target, role)
      if (role === target) return { member: await one(tx, place), changed: false, released: [] }
      if (target === 'owner') await refuseLastOwner(tx, workspaceId)
      await tx.update(workspaceMembers).set({ role }).where(isPlace(place))
      if (target === 'guest') await markPublicChannelsRead(tx, place)
      const released = role === 'guest' ? await releaseHiddenTasks(tx, place) : []
      await recordNextActivity(tx, {
        workspaceId,
        actorId,
        type: 'member.role_changed',
        before: { userId, role: target },
        after: { userId, role },
      })
      return { member: await one(tx, place), changed: true, released }
    })
  }

  /** @returns the tasks that he is taken off */
  remove(actorId: string, place: Place): Promise<Task[]> {
    const { workspaceId, userId } = place
    return this.db.write(async tx => {
      const { actor, target } = await lockRoles(tx, workspaceId, actorId, userId)
      refuseRoleAbove(actor, target)
      const released = await this.takeAway(tx, place, target)
      const before = { userId, role: target }
      await recordNextActivity(tx, { workspaceId, actorId, type: 'member.removed', before })
      return released
    })
  }

  /** @returns the tasks that he is taken off */
  leave(place: Place): Promise<Task[]> {
    const { workspaceId, userId } = place
    return this.db.write(async tx => {
      const { target } = await lockRoles(tx, workspaceId, userId, userId)
      const released = await this.takeAway(tx, place, target)
      const before = { userId, role: target }
      await recordNextActivity(tx, { workspaceId, actorId: userId, type: 'member.left', before })
      return released
    })
  }

  /** His places in projects and channels go with the membership, by foreign key. */
  private async takeAway(tx: Queries, place: Place, role: Role): Promise<Task[]> {
    if (role === 'owner') await refuseLastOwner(tx, place.workspaceId)
    const released = await releaseTasks(tx, place)
    await tx.delete(workspaceMembers).where(isPlace(place))
    return released
  }
}

interface RoleChange {
  member: Member
  changed: boolean
  released: Task[]
}

interface Place {
  workspaceId: string
  userId: string
}

function isPlace({ workspaceId, userId }: Place) {
  return and(eq(workspaceMembers.workspaceId, workspaceId), eq(workspaceMembers.userId, userId))
}

function select(queries: Queries, workspaceId: string, condition: ReturnType<typeof and>) {
  return queries
    .select(memberRow)
    .from(workspaceMembers)
    .innerJoin(users, eq(users.id, workspaceMembers.userId))
    .where(and(eq(workspaceMembers.workspaceId, workspaceId), condition))
    .$dynamic()
}

async function one(tx: Queries, { workspaceId, userId }: Place): Promise<Member> {
  const [found] = await select(tx, workspaceId, eq(workspaceMembers.userId, userId))
  if (!found) throw refuse('MEMBER_NOT_FOUND')
  return found
}

/** Both roles as they are under the workspace's lock: what was seen before it may be history. */
async function lockRoles(tx: Queries, workspaceId: string, actorId: string, targetId: string) {
  await lockWorkspace(tx, workspaceId)
  const target = await roleOf(tx, workspaceId, targetId)
  if (!target) throw refuse('MEMBER_NOT_FOUND')
  return { actor: await roleOf(tx, workspaceId, actorId), target }
}

async function refuseLastOwner(tx: Queries, workspaceId: string): Promise<void> {
  const owners = await tx.$count(
    workspaceMembers,
    and(eq(workspaceMembers.workspaceId, workspaceId), eq(workspaceMembers.role, 'owner')),
  )
  if (owners < 2) throw refuse('LAST_OWNER')
}
