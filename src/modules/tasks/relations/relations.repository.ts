import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, asc, eq, isNull, or, sql } from 'drizzle-orm'
import { z } from 'zod'
import { seesProject } from '../../../access/visibility.js'
import { decodeCursor, encodeCursor } from '../../../cursor.js'
import { Database, type Queries } from '../../../db/database.js'
import { workspaceMembers } from '../../../db/schema/people.js'
import { taskRelations } from '../../../db/schema/relations.js'
import { projects, tasks } from '../../../db/schema/work.js'
import { refuse } from '../../../errors.js'
import { instant, uuid } from '../../../fields.contract.js'
import { type Page, type PageQuery, toPage } from '../../../pagination.js'
import { nextActivitySeq } from '../../activity/record-activity.js'
import { recordOnTask, type TaskHappening, type TaskPlace } from '../changes/record-on-task.js'
import { stepTasks } from '../changes/step-tasks.js'
import { someTasks, taskRow } from '../task-row.js'
import type { Task } from '../tasks.contract.js'
import { edgeOf, inverse, isEdge, kindFor, refuseLoop } from './edges.js'
import { type Relation, type RelationKind, relationKind } from './relations.contract.js'

/** What one task is to another; both are of one workspace. */
interface Link {
  one: TaskPlace
  kind: RelationKind
  other: TaskPlace
}

const { id, projectId, key, title, status } = taskRow
const shortRow = { id, projectId, key, title, status }
const place = z.tuple([instant, uuid, relationKind])

/**
 * A relation belongs to both of its tasks, so both take a number in the sequences of their projects and
 * have it in their histories. It is no edit of either, so their versions stay.
 */
@Repository()
export class RelationsRepository {
  @Autowired(Database) private db!: Database

  /** The relations of a task to those that this reader sees, the oldest first. */
  async forTask(readerId: string, taskId: string, query: PageQuery): Promise<Page<Relation>> {
    const { fromTaskId, toTaskId, createdAt } = taskRelations
    const kind = kindFor(taskId)
    const otherId = sql`case when ${fromTaskId} = ${taskId} then ${toTaskId} else ${fromTaskId} end`
    const after = query.cursor ? decodeCursor('relations', place, query.cursor) : undefined
    const beyond =
      after && sql`(${createdAt}, ${tasks.id}, ${kind}) > (${after[0]}, ${after[1]}, ${after[2]})`
    const isMember = and(
      eq(workspaceMembers.workspaceId, tasks.workspaceId),
      eq(workspaceMembers.userId, readerId),
    )
    const rows = await this.db.query
      .select({ kind, task: shortRow, createdAt })
      .from(taskRelations)
      .innerJoin(tasks, eq(tasks.id, otherId))
      .innerJoin(projects, eq(projects.id, tasks.projectId))
      .innerJoin(workspaceMembers, isMember)
      .where(
        and(or(eq(fromTaskId, taskId), eq(toTaskId, taskId)), isNull(tasks.deletedAt), seesProject, beyond),
      )
      .orderBy(asc(createdAt), asc(tasks.id), asc(kind))
      .limit(query.limit + 1)
    return toPage(rows, query.limit, last =>
      encodeCursor('relations', [last.createdAt, last.task.id, last.kind]),
    )
  }

  /**
   * @returns also both tasks, in the order of their latest changes
   * @throws RELATION_EXISTS, or RELATION_LOOP where a task would block or duplicate itself through others
   */
  add(actorId: string, link: Link): Promise<{ relation: Relation; changed: Task[] }> {
    const { one, kind, other } = link
    const edge = edgeOf(one.id, kind, other.id)
    return this.db.write(async tx => {
      const numbers = await stepBoth(tx, link)
      const [added] = await tx
        .insert(taskRelations)
        .values({ workspaceId: one.workspaceId, ...edge })
        .onConflictDoNothing()
        .returning({ createdAt: taskRelations.createdAt })
      if (!added) throw refuse('RELATION_EXISTS')
      await refuseLoop(tx, edge)
      await recordBoth(tx, numbers, actorId, link, relation => ({ type: 'task.related', after: relation }))
      const changed = await someTasks(tx, [one.id, other.id])
      const task = changed.find(({ id }) => id === other.id)
      if (!task) throw refuse('TASK_NOT_FOUND')
      return { relation: { kind, task: inShort(task), ...added }, changed }
    })
  }

  /**
   * @returns both tasks, in the order of their latest changes
   * @throws RELATION_NOT_FOUND
   */
  remove(actorId: string, link: Link): Promise<Task[]> {
    const { one, kind, other } = link
    return this.db.write(async tx => {
      const numbers = await stepBoth(tx, link)
      const removed = await tx
        .delete(taskRelations)
        .where(isEdge(edgeOf(one.id, kind, other.id)))
        .returning({ kind: taskRelations.kind })
      if (removed.length === 0) throw refuse('RELATION_NOT_FOUND')
      await recordBoth(tx, numbers, actorId, link, relation => ({ type: 'task.unrelated', before: relation }))
      return someTasks(tx, [one.id, other.id])
    })
  }
}

/** Takes a number for each of the tasks: of the workspace's activity (as returned), and of its project's sequence. */
async function stepBoth(tx: Queries, { one, other }: Link): Promise<[number, number]> {
  const ofOne = await nextActivitySeq(tx, one.workspaceId)
  const ofOther = await nextActivitySeq(tx, one.workspaceId)
  const both = sql`select unnest(${sql.param([one.id, other.id])}::uuid[]) as task_id`
  if ((await stepTasks(tx, both)).length < 2) throw refuse('TASK_NOT_FOUND')
  return [ofOne, ofOther]
}

/** Each task has in its history what the other one is to it. */
async function recordBoth(
  tx: Queries,
  [ofOne, ofOther]: [number, number],
  actorId: string,
  { one, kind, other }: Link,
  change: (relation: object) => TaskHappening,
): Promise<void> {
  await recordOnTask(tx, ofOne, actorId, one, change({ kind, taskId: other.id }))
  await recordOnTask(tx, ofOther, actorId, other, change({ kind: inverse[kind], taskId: one.id }))
}

/** As the relations of another task show it. */
function inShort({ id, projectId, key, title, status }: Task): Relation['task'] {
  return { id, projectId, key, title, status }
}
