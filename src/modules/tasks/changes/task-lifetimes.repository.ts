import { Autowired, Repository } from '@forinda/kickjs-core'
import { and, eq, isNull, sql } from 'drizzle-orm'
import { v7 } from 'uuid'
import type { z } from 'zod'
import { Database, type Queries } from '../../../db/database.js'
import { tasks } from '../../../db/schema/work.js'
import { refuse } from '../../../errors.js'
import { nextActivitySeq } from '../../activity/record-activity.js'
import { replaceAssignees } from '../assignees/assignees.js'
import { rankAt } from '../board/board-order.js'
import { columnToEnter, milestones } from '../board/columns.js'
import { replaceLabels } from '../labels/task-labels.js'
import { oneTask } from '../task-row.js'
import type { createTask, Task } from '../tasks.contract.js'
import { refuseWrongParent } from './hierarchy.js'
import type { Precondition } from './if-match.js'
import { recordOnTask, type TaskPlace } from './record-on-task.js'
import { stepProject } from './step-project.js'
import { versionConflict } from './task-changes.repository.js'

export type NewTask = z.output<typeof createTask.body>

/** How tasks come and go. */
@Repository()
export class TaskLifetimesRepository {
  @Autowired(Database) private db!: Database

  /** The next key of the project, at the end of its column. */
  create(
    reporterId: string,
    { workspaceId, projectId }: Omit<TaskPlace, 'id'>,
    { assigneeIds, labelIds, status, ...given }: NewTask,
  ): Promise<Task> {
    const place = { id: v7(), workspaceId, projectId }
    return this.db.write(async tx => {
      const activity = await nextActivitySeq(tx, workspaceId)
      const { seq, number, at } = await stepProject(tx, projectId, { numbers: 1 })
      const column = await columnToEnter(tx, projectId, { status })
      const rank = await rankAt(tx, { projectId, status: column.status }, 'end')
      if (given.parentTaskId !== null) await refuseWrongParent(tx, { projectId }, given.parentTaskId)
      const reached = milestones(column.group, { startedAt: null, completedAt: null }, at)
      const values = { ...given, ...reached, reporterId, number, rank, status: column.status, seq }
      await tx.insert(tasks).values({ ...place, ...values, createdAt: at, updatedAt: at })
      await replaceAssignees(tx, place, { before: [], after: assigneeIds, path: 'body.assigneeIds' })
      await replaceLabels(tx, place, { before: [], after: labelIds, path: 'body.labelIds' })
      // With its number in the sequence: by that the feeds know to whom the task is new.
      const after = { number, seq, status: column.status, assigneeIds, labelIds, ...given }
      await recordOnTask(tx, activity, reporterId, place, { type: 'task.created', after })
      return oneTask(tx, place.id)
    })
  }

  /**
   * Deletes a task and those below it, each with its own number in the project's sequence. They keep
   * their keys: those are not given again.
   * @throws GUEST_FORBIDDEN for a guest, where others reported any of them
   */
  softDelete(actor: Actor, place: TaskPlace, isMeant: Precondition): Promise<DeletedTask[]> {
    return this.db.write(async tx => {
      const activity = await nextActivitySeq(tx, place.workspaceId)
      const { version, title } = await standing(tx, place.id)
      if (!isMeant(version)) throw versionConflict(await oneTask(tx, place.id))
      const gone = await withThoseBelow(tx, place.id)
      if (actor.isGuest && gone.some(({ reporterId }) => reporterId !== actor.id))
        throw refuse('GUEST_FORBIDDEN')
      const ids = gone.map(({ id }) => id)
      const { seq, at } = await stepProject(tx, place.projectId, { changes: ids.length })
      await tx.execute(sql`
        update ${tasks} set deleted_at = ${at}::timestamptz, updated_at = ${at}::timestamptz,
          version = version + 1, seq = ${seq - ids.length}::bigint + gone.ordinality
        from unnest(${sql.param(ids)}::uuid[]) with ordinality as gone (id, ordinality)
        where ${tasks.id} = gone.id`)
      const before = { title, taskIds: ids }
      await recordOnTask(tx, activity, actor.id, place, { type: 'task.deleted', before })
      return ids.map((id, index) => ({ id, seq: seq - ids.length + index + 1 }))
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

async function standing(tx: Queries, taskId: string) {
  const { version, title } = tasks
  const [found] = await tx
    .select({ version, title })
    .from(tasks)
    .where(and(eq(tasks.id, taskId), isNull(tasks.deletedAt)))
  if (!found) throw refuse('TASK_NOT_FOUND')
  return found
}

/** The task first, then its subtasks level by level. */
async function withThoseBelow(tx: Queries, taskId: string): Promise<{ id: string; reporterId: string }[]> {
  const { rows } = await tx.execute<{ id: string; reporterId: string }>(sql`
    with recursive below as (
      select id, number, reporter_id, 0 as level from ${tasks} where id = ${taskId}
      union all
      select t.id, t.number, t.reporter_id, level + 1 from ${tasks} t join below on t.parent_task_id = below.id
      where t.deleted_at is null
    )
    select id, reporter_id as "reporterId" from below order by level, number`)
  return rows
}
