import { type AppAdapter, Autowired, PostConstruct, Service } from '@forinda/kickjs-core'
import type { EventStream } from '@forinda/kickjs-http'
import type { Asker } from '../../../access/asker.js'
import { Database } from '../../../db/database.js'
import { Events } from '../../../events.js'
import { Outbox } from '../../../realtime/outbox.js'
import { missedFrames } from '../../../realtime/resuming.js'
import { ActivityRepository } from '../activity.repository.js'
import { recordedIn } from '../record-activity.js'
import { ActivityFeeds } from './activity-feeds.js'
import { Audience, frameOf, type Reader } from './audience.js'

/** Tells of activity as soon as it is committed: every node by an event, and the streams of this one. */
@Service()
export class LiveActivity implements AppAdapter {
  readonly name = 'LiveActivity'
  @Autowired(Database) private db!: Database
  @Autowired(Events) private events!: Events
  @Autowired(ActivityFeeds) private feeds!: ActivityFeeds
  @Autowired(ActivityRepository) private stored!: ActivityRepository
  private readonly audiences = new Map<string, Audience>()

  @PostConstruct()
  announce(): void {
    this.db.commitHooks.push(tx => {
      for (const recorded of recordedIn(tx)) this.events.emit('activity.recorded', recorded)
    })
  }

  beforeStart(): void {
    this.feeds.open({
      deliver: activity => this.audiences.get(activity.workspaceId)?.tell(activity),
      listensTo: workspaceId => this.audiences.has(workspaceId),
    })
  }

  shutdown(): Promise<void> {
    return this.feeds.close()
  }

  /**
   * Sends what the reader missed since, then each activity that he may see as it happens, until the stream
   * is closed. Without `since` he missed nothing.
   */
  join(reader: Asker, workspaceId: string, since: number | undefined, stream: EventStream): Promise<void> {
    return this.feeds.join(reader, workspaceId, since, told => {
      const outbox = new Outbox(stream)
      outbox.begin(missedFrames(told, frameOf))
      const leave = this.add(workspaceId, { userId: reader.id, outbox })
      stream.onClose(leave)
    })
  }

  /** @returns the way out again */
  private add(workspaceId: string, reader: Reader): () => void {
    const audience = this.audienceOf(workspaceId)
    audience.add(reader)
    return () => {
      audience.remove(reader)
      if (audience.size > 0) return
      this.audiences.delete(workspaceId)
      this.feeds.release(workspaceId)
    }
  }

  private audienceOf(workspaceId: string): Audience {
    const found = this.audiences.get(workspaceId)
    if (found) return found
    const audience = new Audience((seqs, userIds) => this.stored.readersOf(workspaceId, seqs, userIds))
    this.audiences.set(workspaceId, audience)
    return audience
  }
}
