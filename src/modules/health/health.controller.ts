import { Autowired, Controller, Get } from '@forinda/kickjs-core'
import type { RequestContext } from '@forinda/kickjs-http'
import { Public } from '../../http/route-flags.js'
import { getLiveness, getReadiness } from './health.contract.js'
import { HealthService } from './health.service.js'

@Controller()
export class HealthController {
  @Autowired(HealthService) private health!: HealthService

  /** Answers as long as the process does: whoever restarts it on silence needs to know no more. */
  @Public()
  @Get('/health/live', getLiveness)
  live(ctx: RequestContext) {
    ctx.json({ status: 'live' })
  }

  @Public()
  @Get('/health/ready', getReadiness)
  async ready(ctx: RequestContext) {
    const readiness = await this.health.readiness()
    ctx.json(readiness, readiness.status === 'ready' ? 200 : 503)
  }
}
