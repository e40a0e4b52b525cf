import type { Queries } from '../../../db/database.js'
import { type Happening, recordActivity } from '../../activity/record-activity.js'

export interface TaskPlace {
  id: string
  workspaceId: string
  projectId: string
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
