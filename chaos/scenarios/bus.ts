import { setTimeout as delay } from 'node:timers/promises'
import { atMost, exactly } from '../lab/figures.js'
import type { Site } from '../lab/lab.js'
import type { Scenario } from './scenario.js'
import { merged, Traffic } from './traffic.js'

/** A comparison with the database every two seconds, and what it takes to read and to tell. */
const CAUGHT_UP_MS = 3_000
/** From when on both sides must know that the bus is away, or back. */
const NOTICE_MS = 6_000

/** The nodes cannot hear each other for a while: each serves its own clients, and the database tells the rest. */
export const bus: Scenario = {
  name: 'bus',
  nodes: { skewMs: 30_000 },
  crews: 4,
  async run(site) {
    const size = site.small
      ? { clients: 40, perSecond: 20, partMs: 4_000, downMs: 12_000 }
      : { clients: 200, perSecond: 40, partMs: 20_000, downMs: 30_000 }
    const traffic = await Traffic.open(site, { clients: size.clients, channels: 4 })
    await traffic.talk({ perSecond: size.perSecond, edits: 0.15, deletes: 0.1 })
    await delay(size.partMs)
    const before = merged((await site.crew.all('times')).map(({ delays }) => delays))
    site.bus.shut()
    await delay(NOTICE_MS)
    const down = await readiness(site)
    await delay(size.downMs - NOTICE_MS)
    const during = merged((await site.crew.all('times')).map(({ delays }) => delays))
    site.bus.open()
    await delay(NOTICE_MS + size.partMs)
    const up = await readiness(site)
    const { figures } = await traffic.finish()
    return [
      ...figures,
      atMost('heard with the bus, p99', before.quantile(0.99), 1_000, ' ms'),
      atMost('heard without it, p99', during.quantile(0.99), CAUGHT_UP_MS, ' ms'),
      exactly(
        'nodes that say the bus is down',
        down.filter(({ bus }) => bus === 'down').length,
        site.nodes.length,
      ),
      exactly('nodes that serve all the same', down.filter(({ serves }) => serves).length, site.nodes.length),
      exactly(
        'nodes that say it is up again',
        up.filter(({ bus }) => bus === 'up').length,
        site.nodes.length,
      ),
    ]
  },
}

function readiness({ origins }: Site): Promise<{ serves: boolean; bus: string }[]> {
  return Promise.all(
    origins.map(async origin => {
      const response = await fetch(`${origin}/health/ready`)
      const { dependencies }: { dependencies?: { bus?: string } } = JSON.parse(await response.text())
      return { serves: response.status === 200, bus: dependencies?.bus ?? 'not told' }
    }),
  )
}
