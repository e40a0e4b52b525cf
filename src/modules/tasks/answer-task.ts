import type { RequestContext } from '@forinda/kickjs-http'
import { etag } from './changes/if-match.js'
import type { Task } from './tasks.contract.js'

/**
 * Answers with a task and its version as the ETag. Not for caches: comments change the answer but
 * not the version, which is there to say what an edit was based on.
 */
export function answerTask({ res }: Pick<RequestContext, 'res'>, task: Task): Task {
  res.set({ ETag: etag(task.version), 'Cache-Control': 'no-store' })
  return task
}
