import { Autowired, PostConstruct, Service } from '@forinda/kickjs-core'
import { Events } from '../../events.js'
import { PresenceRepository } from './presence.repository.js'
import { PresenceTracker, type Visitor } from './presence-tracker.js'

/** A reload of a page must not look like leaving. */
export const GRACE_MS = 10_000

/** Who is online where: the one source for chat, statistics and REST. */
@Service()
export class PresenceService {
  @Autowired(PresenceRepository) private stored!: PresenceRepository
  @Autowired(Events) private events!: Events
  private readonly tracker = new PresenceTracker(GRACE_MS)
  private timer: NodeJS.Timeout | undefined

  @PostConstruct()
  follow(): void {
    this.events.on('member.added', ({ workspaceId, userId }) => this.enter(userId, workspaceId))
    this.events.on('member.removed', ({ workspaceId, userId }) => this.leave(userId, workspaceId))
  }

  /** The workspaces that somebody belongs to, whose members see him come and go. */
  workspacesOf(userId: string): Promise<string[]> {
    return this.stored.workspacesOf(userId)
  }

  connect(visitor: Visitor, connectionId: string, workspaceIds: readonly string[]): void {
    if (this.tracker.connect(visitor, connectionId, workspaceIds)) {
      this.events.emit('presence.online', { ...visitor, workspaceIds })
    }
  }

  /** @param gone the connection had been silent for so long that no reload is to be waited for */
  disconnect(connectionId: string, now: number, gone: boolean): void {
    this.tracker.disconnect(connectionId, now, { gone })
    this.sweepLater()
  }

  /** Announces those whose grace is over. */
  sweep(now: number): void {
    for (const departed of this.tracker.sweep(now)) this.events.emit('presence.offline', departed)
    this.sweepLater()
  }

  /** Forgets connections that are not alive any more, whatever became of their end; tells how many there were. */
  reconcile(alive: ReadonlySet<string>, now: number): number {
    const stale = this.tracker.reconcile(alive, now)
    this.sweep(now)
    return stale
  }

  onlineCount(workspaceId: string): number {
    return this.tracker.onlineCount(workspaceId)
  }

  onlineIn(workspaceId: string): Visitor[] {
    return this.tracker.onlineIn(workspaceId)
  }

  close(): void {
    clearTimeout(this.timer)
  }

  private enter(userId: string, workspaceId: string) {
    if (!this.tracker.enter(userId, workspaceId)) return
    const visitor = this.tracker.onlineIn(workspaceId).find(online => online.userId === userId)
    if (visitor) this.events.emit('presence.online', { ...visitor, workspaceIds: [workspaceId] })
  }

  private leave(userId: string, workspaceId: string) {
    if (this.tracker.leave(userId, workspaceId)) {
      this.events.emit('presence.offline', { userId, workspaceIds: [workspaceId] })
    }
  }

  private sweepLater() {
    clearTimeout(this.timer)
    const due = this.tracker.nextSweep
    if (due === undefined) return
    this.timer = setTimeout(() => this.sweep(Date.now()), Math.max(due - Date.now(), 0))
    this.timer.unref()
  }
}
