import { Autowired, Controller, Delete, Get, Put } from '@forinda/kickjs-core'
import type { RouteContext } from '@forinda/kickjs-http'
import { Access } from '../../../access/access.js'
import { getWatching, unwatchTask, watchTask } from './watching.contract.js'
import { WatchingRepository } from './watching.repository.js'

@Controller()
export class WatchingController {
  @Autowired(Access) private access!: Access
  @Autowired(WatchingRepository) private watching!: WatchingRepository

  @Get('/tasks/:taskId/watch', getWatching)
  async get({ user, params }: RouteContext<typeof getWatching>) {
    await this.access.task(user, params.taskId)
    return { isWatching: await this.watching.isWatching(user, params.taskId) }
  }

  @Put('/tasks/:taskId/watch', watchTask)
  async watch({ user, params }: RouteContext<typeof watchTask>) {
    await this.watching.set(user, await this.access.task(user, params.taskId), true)
    return { isWatching: true }
  }

  @Delete('/tasks/:taskId/watch', unwatchTask)
  async unwatch({ user, params }: RouteContext<typeof unwatchTask>) {
    await this.watching.set(user, await this.access.task(user, params.taskId), false)
  }
}
