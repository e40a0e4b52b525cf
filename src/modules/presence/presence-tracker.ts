import type { Present, Visitor } from './presence.contract.js'

interface Presence extends Visitor {
  connections: Set<string>
  workspaceIds: Set<string>
  /** When the last connection went, in milliseconds since 1970; while somebody may just be reloading. */
  leftAt: number | undefined
}

/** Who is online, by all their connections: pure bookkeeping, the clock comes as an argument. */
export class PresenceTracker {
  private readonly present = new Map<string, Presence>()
  /** Those in their grace time; whoever left first stands first. */
  private readonly leaving = new Set<Presence>()
  /** Those who get no grace. */
  private readonly departed = new Set<Presence>()
  private readonly owners = new Map<string, string>()
  private readonly byWorkspace = new Map<string, Set<string>>()

  /** @param graceMs how long somebody without a connection still counts as online */
  constructor(private readonly graceMs: number) {}

  /** Adds a connection; true when its user was not online before. */
  connect({ userId, userName }: Visitor, connectionId: string, workspaceIds: Iterable<string>): boolean {
    const known = this.present.get(userId)
    const presence = known ?? {
      userId,
      userName,
      connections: new Set(),
      workspaceIds: new Set(),
      leftAt: undefined,
    }
    presence.userName = userName
    presence.leftAt = undefined
    this.leaving.delete(presence)
    this.departed.delete(presence)
    presence.connections.add(connectionId)
    this.present.set(userId, presence)
    this.owners.set(connectionId, userId)
    for (const workspaceId of workspaceIds) this.enter(userId, workspaceId)
    return known === undefined
  }

  /** Removes a connection. The user stays online for the grace time, unless he is known to be gone. */
  disconnect(connectionId: string, now: number, { gone = false } = {}): void {
    const presence = this.present.get(this.owners.get(connectionId) ?? '')
    this.owners.delete(connectionId)
    presence?.connections.delete(connectionId)
    if (presence?.connections.size !== 0) return
    presence.leftAt = now
    const kind = gone ? this.departed : this.leaving
    kind.add(presence)
  }

  /** Takes out those whose grace is over, and tells who they were and where. */
  sweep(now: number): { userId: string; workspaceIds: string[] }[] {
    const isOver = ({ leftAt }: Presence) => leftAt !== undefined && leftAt + this.graceMs <= now
    return [...this.departed, ...[...this.leaving].filter(isOver)].map(presence => {
      const { userId } = presence
      const workspaceIds = this.workspacesOf(userId)
      for (const workspaceId of workspaceIds) this.leave(userId, workspaceId)
      this.present.delete(userId)
      this.leaving.delete(presence)
      this.departed.delete(presence)
      return { userId, workspaceIds }
    })
  }

  /** When a sweep is due, in milliseconds since 1970 (0: at once); undefined while nobody is leaving. */
  get nextSweep(): number | undefined {
    if (this.departed.size > 0) return 0
    const [first] = this.leaving
    return first?.leftAt === undefined ? undefined : first.leftAt + this.graceMs
  }

  /** Disconnects every connection that is not among those alive: what a lost event left behind. */
  reconcile(alive: ReadonlySet<string>, now: number): number {
    const stale = [...this.owners.keys()].filter(connectionId => !alive.has(connectionId))
    for (const connectionId of stale) this.disconnect(connectionId, now, { gone: true })
    return stale.length
  }

  /** Somebody online is now a member of a workspace; true if that is news there. */
  enter(userId: string, workspaceId: string): boolean {
    const presence = this.present.get(userId)
    if (!presence || presence.workspaceIds.has(workspaceId)) return false
    presence.workspaceIds.add(workspaceId)
    const online = this.byWorkspace.get(workspaceId) ?? new Set()
    this.byWorkspace.set(workspaceId, online.add(userId))
    return true
  }

  /** Somebody is no longer a member of a workspace; true if he was online there. */
  leave(userId: string, workspaceId: string): boolean {
    this.present.get(userId)?.workspaceIds.delete(workspaceId)
    const online = this.byWorkspace.get(workspaceId)
    const was = online?.delete(userId) ?? false
    if (online?.size === 0) this.byWorkspace.delete(workspaceId)
    return was
  }

  /** Everybody who is online, with his workspaces. */
  everybody(): Present[] {
    return [...this.present.values()].map(({ userId, userName, workspaceIds }) => ({
      userId,
      userName,
      workspaceIds: [...workspaceIds],
    }))
  }

  workspacesOf(userId: string): string[] {
    return [...(this.present.get(userId)?.workspaceIds ?? [])]
  }

  onlineCount(workspaceId: string): number {
    return this.byWorkspace.get(workspaceId)?.size ?? 0
  }

  onlineIn(workspaceId: string): Visitor[] {
    return [...(this.byWorkspace.get(workspaceId) ?? [])].flatMap(userId => {
      const presence = this.present.get(userId)
      return presence ? [{ userId, userName: presence.userName }] : []
    })
  }
}
