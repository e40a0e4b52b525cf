import { Autowired, Controller, Get } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../access/access.js'
import { Stream } from '../../http/route-flags.js'
import { LiveStreams } from '../../realtime/live-streams.js'
import { sinceOf } from '../../realtime/resuming.js'
import {
  listProjectActivity,
  listTaskActivity,
  listWorkspaceActivity,
  watchActivity,
} from './activity.contract.js'
import { ActivityRepository } from './activity.repository.js'
import { LiveActivity } from './live/live-activity.js'

@Controller()
export class ActivityController {
  @Autowired(Access) private access!: Access
  @Autowired(ActivityRepository) private stored!: ActivityRepository
  @Autowired(LiveStreams) private streams!: LiveStreams
  @Autowired(LiveActivity) private live!: LiveActivity

  @Get('/workspaces/:workspaceId/activity', listWorkspaceActivity)
  async ofWorkspace({ user, params, query }: RouteContext<typeof listWorkspaceActivity>) {
    await this.access.workspace(user, params.workspaceId)
    return this.stored.forWorkspace(user, params.workspaceId, query)
  }

  @Get('/projects/:projectId/activity', listProjectActivity)
  async ofProject({ user, params, query }: RouteContext<typeof listProjectActivity>) {
    await this.access.project(user, params.projectId)
    return this.stored.forProject(user, params.projectId, query)
  }

  @Get('/tasks/:taskId/activity', listTaskActivity)
  async ofTask({ user, params, query }: RouteContext<typeof listTaskActivity>) {
    await this.access.task(user, params.taskId)
    return this.stored.forTask(user, params.taskId, query)
  }

  @Stream()
  @Get('/workspaces/:workspaceId/activity/live', watchActivity)
  async watch(ctx: RouteContext<typeof watchActivity>) {
    const { user, params } = ctx
    const { workspaceId } = params
    const since = sinceOf(ctx)
    const stream = await this.streams.open(ctx, async () => {
      await this.access.workspace(user, workspaceId)
      return { workspaceId }
    })
    await this.streams.feed(stream, () => this.live.join(user, workspaceId, since, stream))
  }
}
