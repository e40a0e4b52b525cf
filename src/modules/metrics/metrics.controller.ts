import { Autowired, Controller, Get } from '@forinda/kickjs-core'
import type { RequestContext } from '@forinda/kickjs-http'
import { Public } from '../../http/route-flags.js'
import { Metrics } from '../../metrics/metrics.js'
import { getMetrics } from './metrics.contract.js'

@Controller()
export class MetricsController {
  @Autowired(Metrics) private metrics!: Metrics

  /** Open like health, for a Prometheus within; a proxy keeps the world away from it. */
  @Public()
  @Get('/metrics', getMetrics)
  async metricsText({ res }: RequestContext) {
    const { text, contentType } = await this.metrics.exposition()
    res.set('Content-Type', contentType).send(text)
  }
}
