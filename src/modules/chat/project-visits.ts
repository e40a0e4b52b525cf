import { Autowired, Service } from '@forinda/kickjs-core'
import type { WsContext } from '@forinda/kickjs-ws'
import { Metrics } from '../../metrics/metrics.js'
import { outcomeOf, socketOf } from './channel-visits.js'
import type { JoinedProject } from './chat.contract.js'
import { ProjectFeeds } from './project-feeds.js'
import { RoomKeeper } from './room-keeper.js'
import { room } from './rooms.js'

/** Sockets coming to the boards of projects and going from them again. */
@Service()
export class ProjectVisits {
  @Autowired(ProjectFeeds) private feeds!: ProjectFeeds
  @Autowired(RoomKeeper) private rooms!: RoomKeeper
  @Autowired(Metrics) private metrics!: Metrics

  /** Answers by itself: at the very moment when the socket enters, so that live changes come after it. */
  async join(ctx: WsContext, projectId: string, since: number | undefined): Promise<void> {
    const { epoch } = this.rooms
    await this.feeds.join(ctx.user, projectId, since, told => {
      if (!ctx.socket.connected) return
      const joined: JoinedProject = since === undefined ? { lastSeq: told.lastSeq } : told
      ctx.answer(joined)
      void ctx.join(room.project(projectId))
      if (since !== undefined) this.metrics.resumed(outcomeOf(told))
    })
    await this.rooms.settle(epoch, socketOf(ctx), projectId)
  }

  /** Leaving where one is not is no error. */
  async leave(ctx: WsContext, projectId: string): Promise<void> {
    await ctx.leave(room.project(projectId))
  }
}
