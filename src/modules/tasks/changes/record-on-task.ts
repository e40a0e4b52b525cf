import type { Queries } from '../../../db/database.js'
import { type Happening, recordActivities, recordActivity } from '../../activity/record-activity.js'

/** Where in the workspace tasks are. */
export interface ProjectPlace {
  workspaceId: string
  projectId: string
}

export interface TaskPlace extends ProjectPlace {
  id: string
}

/** What became of a task, as the activity says it. */
export type TaskHappening = Pick<Happening, 'type' | 'before' | 'after'>

/** Appends what happened to a task under the number taken with `nextActivitySeq`. */
export function recordOnTask(
  tx: Queries,
  seq: number,
  actorId: string,
  { id: taskId, workspaceId, projectId }: TaskPlace,
  happening: TaskHappening,
): Promise<void> {
  return recordActivity(tx, seq, { workspaceId, actorId, projectId, taskId, ...happening })
}

/** The same of several tasks of a project: what happened to the last of them is under the number given. */
export function recordOnTasks(
  tx: Queries,
  lastSeq: number,
  actorId: string,
  { workspaceId, projectId }: ProjectPlace,
  happenings: readonly (TaskHappening & { taskId: string })[],
): Promise<void> {
  const place = { workspaceId, actorId, projectId }
  return recordActivities(
    tx,
    lastSeq,
    happenings.map(happening => ({ ...place, ...happening })),
  )
}
