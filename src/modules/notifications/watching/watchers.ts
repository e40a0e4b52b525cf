import { type SQL, sql } from 'drizzle-orm'

const nothing = sql`null`

/**
 * Those who watch a task, as a query of `user_id`: who reported it, works on it, commented on it or is
 * mentioned in a comment, and whoever wants to, but for those who want not to.
 * @param comment one that is left out: by itself it makes nobody watch
 */
export function watchersOf(taskId: SQL, comment = nothing): SQL {
  const said = sql`task_id = ${taskId} and deleted_at is null and id is distinct from ${comment}`
  return sql`
    select part.user_id from (
      select reporter_id as user_id from tasks where id = ${taskId}
      union select user_id from task_assignees where task_id = ${taskId}
      union select author_id from comments where ${said}
      union select unnest(mentions) from comments where ${said}
      union select user_id from task_watchers where task_id = ${taskId} and is_watching
    ) part
    where not ${isUnwatched(taskId, sql`part.user_id`)}`
}

/** Whether somebody has said that he does not want to hear of a task in spite of his part in it. */
export const isUnwatched = (taskId: SQL, userId: SQL): SQL<boolean> => sql`exists (
  select 1 from task_watchers unwatched
  where unwatched.task_id = ${taskId} and unwatched.user_id = ${userId} and not unwatched.is_watching)`
