import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, eq, isNull, sql } from 'drizzle-orm'
import { Database, type Queries } from '../../../db/database.js'
import { taskLabels } from '../../../db/schema/labels.js'
import { projects, taskAssignees, tasks } from '../../../db/schema/work.js'
import { refuse } from '../../../errors.js'
import { type ChangedFields, changedFields } from '../../activity/changed-fields.js'
import { lockWorkspace, nextActivitySeq } from '../../activity/record-activity.js'
import { replaceAssignees } from '../assignees/assignees.js'
import { type Place, rankAt } from '../board/board-order.js'
import { columnToEnter, milestones } from '../board/columns.js'
import { replaceLabels } from '../labels/task-labels.js'
import { oneTask } from '../task-row.js'
import type { Task } from '../tasks.contract.js'
import { refuseWrongParent } from './hierarchy.js'
import type { IdSetChange } from './id-set.js'
import { etag, type Precondition } from './if-match.js'
import { recordOnTask, type TaskPlace } from './record-on-task.js'
import { stepProject } from './step-project.js'

/** What shall change; what is left out stays. */
export interface TaskChanges {
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

type TaskState = Awaited<ReturnType<typeof stateOf>>
type Changed = ChangedFields<TaskState['fields']>
type Move = Awaited<ReturnType<typeof takePlace>>

@Repository()
export class TaskChangesRepository {
  @Autowired(Database) private db!: Database

  /**
   * Changes a task, or finds that it is so already: then it is not written.
   * @throws VERSION_CONFLICT when the task is not the one that the client means
   */
  change(
    actorId: string,
    place: TaskPlace,
    changes: TaskChanges,
    isMeant: Precondition,
  ): Promise<ChangedTask> {
    return this.db.write(async tx => {
      await lockWorkspace(tx, place.workspaceId)
      const state = await stateOf(tx, place.id)
      if (!isMeant(state.version)) throw versionConflict(await oneTask(tx, place.id))
      const move = await takePlace(tx, place, state, changes)
      const { fields } = state
      const assigneeIds = changes.assignment?.next(fields.assigneeIds).toSorted()
      const labelIds = changes.labelling?.next(fields.labelIds).toSorted()
      const changed = changedFields(fields, { ...changes, ...move.fields, assigneeIds, labelIds })
      if (changed) await store(tx, actorId, { place, state, changes, changed, move })
      return { task: await oneTask(tx, place.id), kind: kindOf(changed) }
    })
  }
}

/** The task as it stands under the lock. */
async function stateOf(tx: Queries, taskId: string) {
  const { version, startedAt, completedAt } = tasks
  const [found] = await tx
    .select({ fields, version, milestones: { startedAt, completedAt } })
    .from(tasks)
    .innerJoin(projects, eq(projects.id, tasks.projectId))
    .where(and(eq(tasks.id, taskId), isNull(tasks.deletedAt), isNull(projects.deletedAt)))
  if (!found) throw refuse('TASK_NOT_FOUND')
  return found
}

/** Where on the board the task goes, if it moves. */
async function takePlace(tx: Queries, task: TaskPlace, { fields }: TaskState, changes: TaskChanges) {
  const { status = fields.status } = changes
  const staysInColumn = status === fields.status
  if (staysInColumn && !changes.place) return {}
  const card = { id: task.id, projectId: task.projectId, status }
  const entry = { status, from: fields.status }
  const column = staysInColumn ? undefined : await columnToEnter(tx, task.projectId, entry)
  const rank = await rankAt(tx, staysInColumn ? { ...card, rank: fields.rank } : card, changes.place ?? 'end')
  return { fields: { status, rank }, column }
}

interface Edit {
  place: TaskPlace
  state: TaskState
  changes: TaskChanges
  changed: Changed
  move: Move
}

/** Writes the task itself, with its assignees and labels and the record of what changed. */
async function store(tx: Queries, actorId: string, edit: Edit) {
  const { place, state, changed, move } = edit
  const { assigneeIds, labelIds, ...values } = changed.after
  if (typeof values.parentTaskId === 'string') await refuseWrongParent(tx, place, values.parentTaskId)
  await storeSets(tx, edit)
  const activity = await nextActivitySeq(tx, place.workspaceId)
  const { seq, at } = await stepProject(tx, place.projectId)
  await tx
    .update(tasks)
    .set({
      ...values,
      ...(move.column && milestones(move.column.group, state.milestones, at)),
      version: state.version + 1,
      seq,
      updatedAt: at,
    })
    .where(eq(tasks.id, place.id))
  await recordOnTask(tx, activity, actorId, place, { type: `task.${kindOf(changed)}`, ...changed })
}

async function storeSets(tx: Queries, { place, changes, changed: { before, after } }: Edit) {
  const { assignment, labelling } = changes
  if (assignment && before.assigneeIds && after.assigneeIds) {
    const ids = { before: before.assigneeIds, after: after.assigneeIds }
    await replaceAssignees(tx, place, { ...ids, path: assignment.path })
  }
  if (labelling && before.labelIds && after.labelIds) {
    const ids = { before: before.labelIds, after: after.labelIds }
    await replaceLabels(tx, place, { ...ids, path: labelling.path })
  }
}

function kindOf(changed: Changed | undefined): ChangedTask['kind'] {
  if (!changed) return 'unchanged'
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
