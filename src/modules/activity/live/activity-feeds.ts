import { Autowired, Service } from '@forinda/kickjs-core'
import { Access } from '../../../access/access.js'
import type { Asker } from '../../../access/asker.js'
import { Feeds, type Place } from '../../../realtime/feeds.js'
import type { Activity } from '../activity.contract.js'
import { ActivityRepository } from '../activity.repository.js'

/** A workspace as one reader sees it: what he missed is not what another one did. */
interface ReadPlace extends Place {
  reader: Asker
}

/** The workspaces whose activity streams of this node listen to. */
@Service()
export class ActivityFeeds extends Feeds<Activity, Activity> {
  @Autowired(Access) private access!: Access
  @Autowired(ActivityRepository) private stored!: ActivityRepository
  protected readonly kind = 'activity'

  protected follow(): void {
    this.events.on('activity.recorded', ({ workspaceId, seq }) => this.feed(workspaceId)?.fetch(seq))
  }

  protected async seen(reader: Asker, workspaceId: string): Promise<ReadPlace> {
    const { id, lastSeq } = await this.access.workspace(reader, workspaceId)
    return { id, lastSeq, reader }
  }

  protected changes(place: ReadPlace, since: number) {
    return this.stored.changes(place.reader, place, since)
  }

  protected reload(workspaceId: string, since: number, limit: number): Promise<Activity[]> {
    return this.stored.since(workspaceId, since, limit)
  }

  protected standings(workspaceIds: readonly string[]): Promise<Place[]> {
    return this.stored.standings(workspaceIds)
  }

  protected idOf({ id }: Activity): string {
    return id
  }
}
