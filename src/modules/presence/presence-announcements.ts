import { Autowired, Service } from '@forinda/kickjs-core'
import { Events } from '../../events.js'
import { AtMostEvery } from './at-most-every.js'
import type { Present } from './presence.contract.js'

/** How often comings and goings are announced, in milliseconds. */
const ANNOUNCE_MS = 1_000

type News = { kind: 'online'; userName: string } | { kind: 'offline' }

/** Announces who came online and who went: all of a second together, and nobody where he did both in it. */
@Service()
export class PresenceAnnouncements {
  @Autowired(Events) private events!: Events
  /** By user, then by the workspace whose members are to hear it. */
  private readonly waiting = new Map<string, Map<string, News>>()
  private readonly announcing = new AtMostEvery(ANNOUNCE_MS, () => this.announce())

  online({ userId, userName, workspaceIds }: Present): void {
    this.add(userId, workspaceIds, { kind: 'online', userName })
  }

  offline({ userId, workspaceIds }: Omit<Present, 'userName'>): void {
    this.add(userId, workspaceIds, { kind: 'offline' })
  }

  close(): void {
    this.announcing.stop()
  }

  private add(userId: string, workspaceIds: readonly string[], news: News) {
    const places = this.waiting.get(userId) ?? new Map<string, News>()
    this.waiting.set(userId, places)
    for (const workspaceId of workspaceIds) {
      const earlier = places.get(workspaceId)
      // He is what he was when he was last spoken of.
      if (earlier && earlier.kind !== news.kind) places.delete(workspaceId)
      else places.set(workspaceId, news)
    }
    this.announcing.ask()
  }

  private announce() {
    const due = [...this.waiting]
    this.waiting.clear()
    for (const [userId, places] of due) this.tell(userId, places)
  }

  /** The goings first: whoever shares several workspaces with him is left with what he is somewhere. */
  private tell(userId: string, places: ReadonlyMap<string, News>) {
    const went: string[] = []
    const came: string[] = []
    let userName = ''
    for (const [workspaceId, news] of places) {
      if (news.kind === 'online') userName = news.userName
      const told = news.kind === 'online' ? came : went
      told.push(workspaceId)
    }
    if (went.length > 0) this.events.deliver('presence.offline', { userId, workspaceIds: went })
    if (came.length > 0) this.events.deliver('presence.online', { userId, userName, workspaceIds: came })
  }
}
