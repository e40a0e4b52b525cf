import type { Activity } from '../../src/modules/activity/activity.contract.js'
import type { TestUser } from '../support/api.js'
import { ResumedStream } from '../support/resumed-stream.js'

/** A stream of activity. */
export class ActivityStream extends ResumedStream<Activity> {
  constructor(url: string, user: TestUser, lastEventId?: string) {
    super('activity', url, user, lastEventId)
  }

  get activities(): Activity[] {
    return this.rows
  }
}
