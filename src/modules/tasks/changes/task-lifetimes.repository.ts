import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, eq, inArray, isNull, sql } from 'drizzle-orm'
import { v7 } from 'uuid'
import type { z } from 'zod'
import { Database, type Queries } from '../../../db/database.js'
import { tasks } from '../../../db/schema/work.js'
import { refuse } from '../../../errors.js'
import { nextActivitySeq } from '../../activity/record-activity.js'
import { replaceAssignees } from '../assignees/assignees.js'
import { ranksAtEnds } from '../board/board-order.js'
import { columnsToEnter, milestones } from '../board/columns.js'
import { replaceLabels } from '../labels/task-labels.js'
import { oneTask, someTasks } from '../task-row.js'
import type { createTask, Task } from '../tasks.contract.js'
import { refuseWrongParents } from './hierarchy.js'
import type { Precondition } from './if-match.js'
import { type ProjectPlace, recordOnTasks } from './record-on-task.js'
import { type ProjectStep, stepProject } from './step-project.js'
import { versionConflict } from './task-changes.repository.js'
import { inOrder, type TaskSet } from './task-set.js'

export type NewTask = z.output<typeof createTask.body>

/** A task to be made. `path` is what of the request describes it. */
export interface Draft {
  path: string
  fields: NewTask
}

/** How tasks come and go. */
@Repository()
export class TaskLifetimesRepository {
  @Autowired(Database) private db!: Database

  /** All of them or none, in their order: with the next keys of the project, at the ends of their columns. */
  create(reporterId: string, project: ProjectPlace, drafts: readonly Draft[]): Promise<Task[]> {
    const { workspaceId, projectId } = project
    const count = drafts.length
    return this.db.write(async tx => {
      const activity = await nextActivitySeq(tx, workspaceId, count)
      const step = await stepProject(tx, projectId, { changes: count, numbers: count })
      const made = await madeOf(tx, project, drafts, step)
      const descents = made.flatMap(({ row: { parentTaskId }, path }) =>
        parentTaskId === null ? [] : { parentTaskId, path: `${path}.parentTaskId` },
      )
      await refuseWrongParents(tx, projectId, descents)
      await tx.insert(tasks).values(made.map(({ row }) => ({ ...row, reporterId })))
      await storeSets(tx, project, made)
      const happenings = made.map(({ row, after }) => ({ taskId: row.id, type: 'task.created', after }))
      await recordOnTasks(tx, activity, reporterId, project, happenings)
      const ids = made.map(({ row }) => row.id)
      return someTasks(tx, ids)
    })
  }

  /**
   * Deletes tasks and those below them, each with its own number in the project's sequence. They keep
   * their keys: those are not given again.
   * @throws GUEST_FORBIDDEN for a guest, where others reported any of them
   */
  softDelete(actor: Actor, set: TaskSet, isMeant: Precondition): Promise<DeletedTask[]> {
    return this.db.write(async tx => {
      const activity = await nextActivitySeq(tx, set.workspaceId, set.ids.length)
      const roots = await standing(tx, set)
      const changed = roots.find(({ version }) => !isMeant(version))
      if (changed) throw versionConflict(await oneTask(tx, changed.id))
      const gone = await withThoseBelow(tx, set.ids)
      if (actor.isGuest && gone.some(({ reporterId }) => reporterId !== actor.id))
        throw refuse('GUEST_FORBIDDEN')
      const before = await bury(tx, set.projectId, gone)
      const happenings = roots.map(({ id, title }) => {
        const taskIds = gone.flatMap(task => (task.rootId === id ? task.id : []))
        return { taskId: id, type: 'task.deleted', before: { title, taskIds } }
      })
      await recordOnTasks(tx, activity, actor.id, set, happenings)
      return gone.map(({ id }, index) => ({ id, seq: before + index + 1 }))
    })
  }
}

interface Actor {
  id: string
  isGuest: boolean
}

export interface DeletedTask {
  id: string
  seq: number
}

type Made = Awaited<ReturnType<typeof madeOf>>[number]

/** Tasks as they are stored, what their activities say of them, and the sets that they come with. */
async function madeOf(tx: Queries, place: ProjectPlace, drafts: readonly Draft[], step: ProjectStep) {
  const entering = await columnsToEnter(
    tx,
    place.projectId,
    drafts.map(draft => ({ ...draft, status: draft.fields.status })),
  )
  const placed = await ranksAtEnds(tx, place.projectId, entering)
  const [firstNumber, firstSeq] = [step.number - placed.length + 1, step.seq - placed.length + 1]
  return placed.map(
    ({ path, fields: { assigneeIds, labelIds, status: _, ...given }, column, rank }, index) => {
      const { status, group } = column
      const [number, seq] = [firstNumber + index, firstSeq + index]
      const reached = milestones(group, { startedAt: null, completedAt: null }, step.at)
      const times = { createdAt: step.at, updatedAt: step.at, ...reached }
      const row = { id: v7(), ...place, ...given, ...times, number, rank, status, seq }
      // With its number in the sequence: by that the feeds know to whom the task is new.
      const after = { number, seq, status, assigneeIds, labelIds, ...given }
      return { path, row, after, assigneeIds, labelIds }
    },
  )
}

async function storeSets(tx: Queries, project: ProjectPlace, made: readonly Made[]) {
  const setOf = ({ row, path }: Made, name: 'assigneeIds' | 'labelIds', after: readonly string[]) => ({
    taskId: row.id,
    path: `${path}.${name}`,
    before: [],
    after,
  })
  const assigned = made.map(task => setOf(task, 'assigneeIds', task.assigneeIds))
  await replaceAssignees(tx, project, assigned)
  const labelled = made.map(task => setOf(task, 'labelIds', task.labelIds))
  await replaceLabels(tx, project, labelled)
}

async function standing(tx: Queries, set: TaskSet) {
  const { id, version, title, projectId, deletedAt } = tasks
  const found = await tx
    .select({ id, version, title })
    .from(tasks)
    .where(and(inArray(id, [...set.ids]), eq(projectId, set.projectId), isNull(deletedAt)))
  return inOrder(set, found)
}

interface GoneTask extends Record<string, unknown> {
  id: string
  /** The task that was named and goes with it: itself, or the nearest one above. */
  rootId: string
  reporterId: string
}

/** Each task, then its subtasks level by level, but for those that are named themselves. */
async function withThoseBelow(tx: Queries, taskIds: readonly string[]): Promise<GoneTask[]> {
  const ids = sql`${sql.param(taskIds)}::uuid[]`
  const { rows } = await tx.execute<GoneTask>(sql`
    with recursive below as (
      select t.id, t.number, t.reporter_id, t.id as root_id, place, 0 as level
      from unnest(${ids}) with ordinality as named (id, place) join ${tasks} t on t.id = named.id
      union all
      select t.id, t.number, t.reporter_id, root_id, place, level + 1
      from ${tasks} t join below on t.parent_task_id = below.id
      where t.deleted_at is null and t.id <> all(${ids})
    )
    select id, root_id as "rootId", reporter_id as "reporterId" from below order by place, level, number`)
  return rows
}

/** @returns the project's sequence before the first of them */
async function bury(tx: Queries, projectId: string, gone: readonly GoneTask[]): Promise<number> {
  const { seq, at } = await stepProject(tx, projectId, { changes: gone.length })
  const before = seq - gone.length
  await tx.execute(sql`
    update ${tasks} set deleted_at = ${at}::timestamptz, updated_at = ${at}::timestamptz,
      version = version + 1, seq = ${before}::bigint + gone.ordinality
    from unnest(${sql.param(gone.map(({ id }) => id))}::uuid[]) with ordinality as gone (id, ordinality)
    where ${tasks.id} = gone.id`)
  return before
}
