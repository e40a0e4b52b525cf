import { Autowired, PostConstruct, Service } from '@forinda/kickjs-core'
import { Access } from '../../access/access.js'
import { Events } from '../../events.js'
import { OthersPresence } from './others-presence.js'
import { OwnPresence } from './own-presence.js'
import type { Present, Visitor } from './presence.contract.js'
import { PresenceAnnouncements } from './presence-announcements.js'
import { PresenceTracker } from './presence-tracker.js'

/** A reload of a page must not look like leaving. */
export const GRACE_MS = 10_000

const HERE = 'here'

/** Who is online where, on whatever node: the one source for chat, statistics and REST. */
@Service()
export class PresenceService {
  @Autowired(Access) private access!: Access
  @Autowired(OwnPresence) private own!: OwnPresence
  @Autowired(OthersPresence) private others!: OthersPresence
  @Autowired(PresenceAnnouncements) private announcements!: PresenceAnnouncements
  @Autowired(Events) private events!: Events
  /** The sockets of this node. */
  private readonly sockets = new PresenceTracker(GRACE_MS)
  /** Everybody, by the nodes that he is at. */
  private readonly everywhere = new PresenceTracker(GRACE_MS)
  private timer: NodeJS.Timeout | undefined

  @PostConstruct()
  follow(): void {
    this.events.on('member.added', ({ workspaceId, userId }) => this.enter(userId, workspaceId))
    this.events.on('member.removed', ({ workspaceId, userId }) => this.leave(userId, workspaceId))
    this.others.follow({
      came: (nodeId, present) => this.arrive(nodeId, present),
      went: (nodeId, userId, gone) => {
        this.everywhere.disconnect(place(nodeId, userId), Date.now(), { gone })
        this.sweepLater()
      },
    })
  }

  /** @param workspaceIds those whose members see him come and go */
  connect(visitor: Visitor, connectionId: string, workspaceIds: readonly string[]): void {
    const isFirst = this.sockets.connect(visitor, connectionId, [])
    const present = { ...visitor, workspaceIds }
    this.arrive(HERE, present)
    if (isFirst) this.own.came(present)
  }

  /** @param gone the connection had been silent for so long that no reload is to be waited for */
  disconnect(connectionId: string, now: number, gone: boolean): void {
    this.sockets.disconnect(connectionId, now, { gone })
    this.sweepLater()
  }

  /** Announces those whose grace is over. */
  sweep(now: number): void {
    for (const { userId } of this.sockets.sweep(now)) {
      this.own.went(userId)
      this.everywhere.disconnect(place(HERE, userId), now, { gone: true })
    }
    for (const departed of this.everywhere.sweep(now)) this.announcements.offline(departed)
    this.sweepLater()
  }

  /** Forgets connections that are not alive any more, whatever became of their end; tells how many there were. */
  reconcile(alive: ReadonlySet<string>, now: number): number {
    const stale = this.sockets.reconcile(alive, now)
    this.sweep(now)
    return stale
  }

  /** Looks into the database where everybody belongs who is online, whatever was told of it. */
  async reconcileWorkspaces(): Promise<void> {
    const present = this.everywhere.everybody()
    const belonging = await this.access.workspacesOf(present.map(({ userId }) => userId))
    for (const { userId, workspaceIds } of present) {
      const now = belonging.get(userId) ?? []
      for (const workspaceId of now) this.enter(userId, workspaceId)
      for (const workspaceId of workspaceIds) if (!now.includes(workspaceId)) this.leave(userId, workspaceId)
    }
  }

  onlineCount(workspaceId: string): number {
    return this.everywhere.onlineCount(workspaceId)
  }

  onlineIn(workspaceId: string): Visitor[] {
    return this.everywhere.onlineIn(workspaceId)
  }

  close(): void {
    clearTimeout(this.timer)
    this.own.close()
    this.announcements.close()
  }

  private arrive(nodeId: string, present: Present) {
    const { userId, workspaceIds } = present
    if (this.everywhere.connect(present, place(nodeId, userId), workspaceIds))
      this.announcements.online(present)
  }

  private enter(userId: string, workspaceId: string) {
    if (!this.everywhere.enter(userId, workspaceId)) return
    this.own.moved(userId, this.everywhere.workspacesOf(userId))
    const visitor = this.everywhere.onlineIn(workspaceId).find(online => online.userId === userId)
    if (visitor) this.announcements.online({ ...visitor, workspaceIds: [workspaceId] })
  }

  private leave(userId: string, workspaceId: string) {
    if (!this.everywhere.leave(userId, workspaceId)) return
    this.own.moved(userId, this.everywhere.workspacesOf(userId))
    this.announcements.offline({ userId, workspaceIds: [workspaceId] })
  }

  private sweepLater() {
    clearTimeout(this.timer)
    const dues = [this.sockets.nextSweep, this.everywhere.nextSweep].filter(due => due !== undefined)
    if (dues.length === 0) return
    this.timer = setTimeout(() => this.sweep(Date.now()), Math.max(Math.min(...dues) - Date.now(), 0))
    this.timer.unref()
  }
}

/** A user at a node counts as one connection. */
function place(nodeId: string, userId: string): string {
  return `${nodeId} ${userId}`
}
