import { Autowired, PostConstruct, Service } from '@forinda/kickjs-core'
import type { EventStream } from '@forinda/kickjs-http'
import { Events } from '../../events.js'
import { SharedCounts } from '../../realtime/shared-counts.js'
import { PresenceService } from '../presence/presence.service.js'
import type { ProjectStats, WorkspaceStats } from './stats.contract.js'
import { type ProjectCounts, StatsRepository, type WorkspaceCounts } from './stats.repository.js'
import { Topics } from './stats.topics.js'

/** The numbers of workspaces and projects: once for whoever asks, and live for whoever listens. */
@Service()
export class StatsService {
  @Autowired(StatsRepository) private stored!: StatsRepository
  @Autowired(PresenceService) private presence!: PresenceService
  @Autowired(Events) private events!: Events
  private readonly workspaceCounts = new SharedCounts(id => this.stored.ofWorkspace(id))
  private readonly projectCounts = new SharedCounts(id => this.stored.ofProject(id, Date.now()))
  private readonly workspaces = new Topics(id => ({
    count: () => this.workspaceCounts.get(id),
    complete: (counts: WorkspaceCounts) => this.withPresence(id, counts),
  }))
  private readonly projects = new Topics(id => ({
    count: () => this.projectCounts.get(id),
    complete: (counts: ProjectCounts) => counts,
  }))

  @PostConstruct()
  follow(): void {
    for (const change of ['task.created', 'task.updated', 'task.moved'] as const) {
      this.events.on(change, ({ task }) => this.recount(task))
    }
    const changes = ['project.created', 'project.updated', 'project.deleted', 'project.advanced'] as const
    for (const change of ['task.deleted', ...changes] as const) {
      this.events.on(change, place => this.recount(place))
    }
    for (const change of ['member.added', 'member.removed', 'channel.created', 'channel.deleted'] as const) {
      this.events.on(change, ({ workspaceId }) => this.workspaces.recount(workspaceId))
    }
    for (const change of ['presence.online', 'presence.offline'] as const) {
      this.events.on(change, ({ workspaceIds }) => {
        for (const id of workspaceIds) this.workspaces.refresh(id)
      })
    }
  }

  /** How many workspaces and projects are listened to. */
  get topics(): number {
    return this.workspaces.size + this.projects.size
  }

  async workspace(workspaceId: string): Promise<WorkspaceStats> {
    const counts = await this.workspaceCounts.get(workspaceId)
    return { ...this.withPresence(workspaceId, counts), timestamp: new Date().toISOString() }
  }

  async project(projectId: string): Promise<ProjectStats> {
    const counts = await this.projectCounts.get(projectId)
    return { ...counts, timestamp: new Date().toISOString() }
  }

  /** Sends the workspace's statistics to a stream, as events of this name, until it is closed. */
  watchWorkspace(workspaceId: string, stream: EventStream, event: string): void {
    this.workspaces.join(workspaceId, stream, event)
  }

  watchProject(projectId: string, stream: EventStream, event: string): void {
    this.projects.join(projectId, stream, event)
  }

  private withPresence(workspaceId: string, counts: WorkspaceCounts) {
    return { ...counts, onlineUsersCount: this.presence.onlineCount(workspaceId) }
  }

  private recount({ workspaceId, projectId }: { workspaceId: string; projectId: string }) {
    this.workspaces.recount(workspaceId)
    this.projects.recount(projectId)
  }
}
