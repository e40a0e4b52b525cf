import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, eq, inArray, isNull, sql } from 'drizzle-orm'
import { Database, type Queries } from '../../../db/database.js'
import { taskLabels } from '../../../db/schema/labels.js'
import { projects, taskAssignees, tasks } from '../../../db/schema/work.js'
import { refuse } from '../../../errors.js'
import { type ChangedFields, changedFields } from '../../activity/changed-fields.js'
import { lockWorkspace, nextActivitySeq } from '../../activity/record-activity.js'
import { replaceAssignees } from '../assignees/assignees.js'
import { type Place, ranksAt } from '../board/board-order.js'
import { type Column, columnsToEnter, milestones } from '../board/columns.js'
import { replaceLabels } from '../labels/task-labels.js'
import { oneTask, someTasks } from '../task-row.js'
import type { Task } from '../tasks.contract.js'
import { refuseWrongParents } from './hierarchy.js'
import type { IdSetChange } from './id-set.js'
import { etag, type Precondition } from './if-match.js'
import { type ProjectPlace, recordOnTasks } from './record-on-task.js'
import { stepProject } from './step-project.js'
import { inOrder, type TaskSet } from './task-set.js'

/** What shall change; what is left out stays. */
export interface TaskChanges {
  /** What of the request has the fields; the body itself if it is not said. */
  path?: string | undefined
  title?: string | undefined
  description?: string | undefined
  priority?: Task['priority'] | undefined
  dueDate?: string | null | undefined
  estimatePoints?: number | null | undefined
  parentTaskId?: string | null | undefined
  status?: string | undefined
  /** Without one, a new status means the end of its column. */
  place?: Place | undefined
  assignment?: IdSetChange | undefined
  labelling?: IdSetChange | undefined
}

export interface ChangedTask {
  task: Task
  /** `moved` on the board, possibly among other changes. */
  kind: 'unchanged' | 'updated' | 'moved'
}

/** What can be told of a task before and after a change; ids of assignees and labels are in their own order. */
const fields = {
  title: tasks.title,
  description: tasks.description,
  priority: tasks.priority,
  dueDate: tasks.dueDate,
  estimatePoints: tasks.estimatePoints,
  parentTaskId: tasks.parentTaskId,
  status: tasks.status,
  rank: tasks.rank,
  assigneeIds: sql<string[]>`array(
    select user_id from ${taskAssignees} a where a.task_id = ${tasks.id} order by user_id)`,
  labelIds: sql<string[]>`array(
    select label_id from ${taskLabels} l where l.task_id = ${tasks.id} order by label_id)`,
}

type TaskState = Awaited<ReturnType<typeof statesOf>>[number]
type Changed = ChangedFields<TaskState['fields']>

@Repository()
export class TaskChangesRepository {
  @Autowired(Database) private db!: Database

  /**
   * Changes the tasks of a set alike, all of them or none, and gives them in its order. One that is so already
   * is not written.
   * @throws VERSION_CONFLICT when a task is not the one that the client means
   */
  change(actorId: string, set: TaskSet, changes: TaskChanges, isMeant: Precondition): Promise<ChangedTask[]> {
    return this.db.write(async tx => {
      await lockWorkspace(tx, set.workspaceId)
      const states = await statesOf(tx, set)
      const other = states.find(({ version }) => !isMeant(version))
      if (other) throw versionConflict(await oneTask(tx, other.id))
      const moves = await takePlaces(tx, set.projectId, states, changes)
      const edits = states.flatMap(state => editOf(state, changes, moves.get(state.id)) ?? [])
      if (edits.length > 0) await store(tx, actorId, set, { changes, edits })
      const kinds = new Map(edits.map(({ id, changed }) => [id, kindOf(changed)]))
      const current = inOrder(set, await someTasks(tx, set.ids))
      return current.map(task => ({ task, kind: kinds.get(task.id) ?? 'unchanged' }))
    })
  }
}

/** The tasks as they stand under the lock. */
async function statesOf(tx: Queries, set: TaskSet) {
  const { id, version, startedAt, completedAt, projectId, deletedAt } = tasks
  const found = await tx
    .select({ id, fields, version, milestones: { startedAt, completedAt } })
    .from(tasks)
    .innerJoin(projects, eq(projects.id, projectId))
    .where(
      and(
        inArray(id, [...set.ids]),
        eq(projectId, set.projectId),
        isNull(deletedAt),
        isNull(projects.deletedAt),
      ),
    )
  return inOrder(set, found)
}

/** Where on the board a task goes, and the column if it comes into another one. */
interface Move {
  fields: { status: string; rank: string }
  column: Column | undefined
}

/** Where on the board those of the tasks go that move, by their ids. */
async function takePlaces(
  tx: Queries,
  projectId: string,
  states: readonly TaskState[],
  { status, place, path }: TaskChanges,
): Promise<Map<string, Move>> {
  const cards = states.map(({ id, fields }) => ({ id, status: status ?? fields.status, was: fields, path }))
  const staying = place === undefined ? [] : cards.filter(card => card.status === card.was.status)
  const coming = cards.filter(card => card.status !== card.was.status)
  const entering = await columnsToEnter(
    tx,
    projectId,
    coming.map(card => ({ ...card, from: card.was.status })),
  )
  const moving = [...staying.map(card => ({ ...card, rank: card.was.rank, column: undefined })), ...entering]
  const moves = new Map<string, Move>()
  for (const status of new Set(moving.map(card => card.status))) {
    const together = moving.filter(card => card.status === status)
    const ranked = await ranksAt(tx, { projectId, status }, together, place ?? 'end')
    for (const { id, rank, column } of ranked) moves.set(id, { fields: { status, rank }, column })
  }
  return moves
}

/** What a task was and becomes. */
interface Edit {
  id: string
  changed: Changed
  milestones: TaskState['milestones']
  column: Column | undefined
}

/** Undefined where nothing about the task is to change. */
function editOf(state: TaskState, changes: TaskChanges, move: Move | undefined): Edit | undefined {
  const { id, fields, milestones } = state
  const assigneeIds = changes.assignment?.next(fields.assigneeIds).toSorted()
  const labelIds = changes.labelling?.next(fields.labelIds).toSorted()
  const changed = changedFields(fields, { ...changes, ...move?.fields, assigneeIds, labelIds })
  return changed && { id, changed, milestones, column: move?.column }
}

interface Edits {
  changes: TaskChanges
  edits: readonly Edit[]
}

/** Writes the tasks themselves, with their assignees and labels and the record of what changed. */
async function store(tx: Queries, actorId: string, project: ProjectPlace, { changes, edits }: Edits) {
  const { path = 'body' } = changes
  const descents = edits.flatMap(({ id, changed: { after } }) =>
    typeof after.parentTaskId === 'string'
      ? { id, parentTaskId: after.parentTaskId, path: `${path}.parentTaskId` }
      : [],
  )
  await refuseWrongParents(tx, project.projectId, descents)
  await storeSets(tx, project, { changes, edits })
  const activity = await nextActivitySeq(tx, project.workspaceId, edits.length)
  await write(tx, project, edits)
  const happenings = edits.map(({ id, changed }) => ({
    taskId: id,
    type: `task.${kindOf(changed)}`,
    ...changed,
  }))
  await recordOnTasks(tx, activity, actorId, project, happenings)
}

async function storeSets(
  tx: Queries,
  project: ProjectPlace,
  { changes: { assignment, labelling }, edits }: Edits,
) {
  const changedIds = (name: 'assigneeIds' | 'labelIds', { path }: IdSetChange) =>
    edits.flatMap(({ id, changed: { before, after } }) =>
      before[name] && after[name] ? { taskId: id, path, before: before[name], after: after[name] } : [],
    )
  if (assignment) await replaceAssignees(tx, project, changedIds('assigneeIds', assignment))
  if (labelling) await replaceLabels(tx, project, changedIds('labelIds', labelling))
}

/** All rows in one statement: what changes is the same for all, but for places and times. */
async function write(tx: Queries, { projectId }: ProjectPlace, edits: readonly Edit[]) {
  const { seq, at } = await stepProject(tx, projectId, { changes: edits.length })
  const all: Changed['after'] = {}
  for (const { changed } of edits) Object.assign(all, changed.after)
  const { rank: _, assigneeIds: _assignees, labelIds: _labels, ...values } = all
  const reached = edits.map(edit =>
    edit.column ? milestones(edit.column.group, edit.milestones, at) : edit.milestones,
  )
  await tx
    .update(tasks)
    .set({
      ...values,
      rank: sql`coalesce(edit.rank, ${tasks.rank})`,
      startedAt: sql`edit.started_at`,
      completedAt: sql`edit.completed_at`,
      version: sql`${tasks.version} + 1`,
      seq: sql`${seq - edits.length}::bigint + edit.place`,
      updatedAt: at,
    })
    .from(
      sql`unnest(
        ${sql.param(edits.map(({ id }) => id))}::uuid[],
        ${sql.param(edits.map(({ changed }) => changed.after.rank ?? null))}::text[],
        ${sql.param(reached.map(({ startedAt }) => startedAt))}::timestamptz[],
        ${sql.param(reached.map(({ completedAt }) => completedAt))}::timestamptz[]
      ) with ordinality as edit (id, rank, started_at, completed_at, place)`,
    )
    .where(sql`${tasks.id} = edit.id`)
}

function kindOf(changed: Changed): ChangedTask['kind'] {
  return 'status' in changed.after || 'rank' in changed.after ? 'moved' : 'updated'
}

/** Carries the task as it is now, for the client to base another try on. */
export function versionConflict(current: Task) {
  return refuse('VERSION_CONFLICT', {
    message: `Somebody changed it since: it is at version ${current.version} now`,
    headers: { ETag: etag(current.version) },
    details: { current },
  })
}
