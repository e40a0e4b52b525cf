import { Autowired, Controller, Get } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../access/access.js'
import { Stream } from '../../http/route-flags.js'
import { LiveStreams } from '../../realtime/live-streams.js'
import {
  getProjectStats,
  getWorkspaceStats,
  watchProjectStats,
  watchWorkspaceStats,
} from './stats.contract.js'
import { StatsService } from './stats.service.js'

/**
 * Every member of a workspace gets its numbers, guests too: they are sums over all of it, and name
 * nothing. The numbers of a project are for those who see the project.
 */
@Controller()
export class StatsController {
  @Autowired(Access) private access!: Access
  @Autowired(StatsService) private stats!: StatsService
  @Autowired(LiveStreams) private streams!: LiveStreams

  @Get('/workspaces/:workspaceId/stats', getWorkspaceStats)
  @Get('/stats/workspace/:workspaceId', getWorkspaceStats)
  async workspace({ user, params }: RouteContext<typeof getWorkspaceStats>) {
    await this.access.workspace(user, params.workspaceId)
    return this.stats.workspace(params.workspaceId)
  }

  @Get('/projects/:projectId/stats', getProjectStats)
  @Get('/stats/project/:projectId', getProjectStats)
  async project({ user, params }: RouteContext<typeof getProjectStats>) {
    await this.access.project(user, params.projectId)
    return this.stats.project(params.projectId)
  }

  @Stream()
  @Get('/workspaces/:workspaceId/stats/live', watchWorkspaceStats)
  workspaceLive(ctx: RouteContext<typeof watchWorkspaceStats>) {
    return this.streamWorkspace(ctx, 'stats:update')
  }

  @Stream()
  @Get('/stats/workspace/:workspaceId/stream', watchWorkspaceStats)
  workspaceStream(ctx: RouteContext<typeof watchWorkspaceStats>) {
    return this.streamWorkspace(ctx, 'workspace:stats')
  }

  @Stream()
  @Get('/projects/:projectId/stats/live', watchProjectStats)
  projectLive(ctx: RouteContext<typeof watchProjectStats>) {
    return this.streamProject(ctx, 'stats:update')
  }

  @Stream()
  @Get('/stats/project/:projectId/stream', watchProjectStats)
  projectStream(ctx: RouteContext<typeof watchProjectStats>) {
    return this.streamProject(ctx, 'project:stats')
  }

  private async streamWorkspace(ctx: RouteContext<typeof watchWorkspaceStats>, event: string) {
    const { workspaceId } = ctx.params
    const stream = await this.streams.open(ctx, async () => {
      await this.access.workspace(ctx.user, workspaceId)
      return { workspaceId }
    })
    this.stats.watchWorkspace(workspaceId, stream, event)
  }

  private async streamProject(ctx: RouteContext<typeof watchProjectStats>, event: string) {
    const { projectId } = ctx.params
    const stream = await this.streams.open(ctx, async () => {
      const { workspaceId } = await this.access.project(ctx.user, projectId)
      return { workspaceId, projectId }
    })
    this.stats.watchProject(projectId, stream, event)
  }
}
