import { setTimeout as delay } from 'node:timers/promises'
import type { Scenario } from './scenario.js'
import { Traffic } from './traffic.js'

/** Everybody's connection breaks all the time, in the middle of writes too. */
export const jitter: Scenario = {
  name: 'jitter',
  nodes: { skewMs: 30_000 },
  crews: 4,
  async run(site) {
    const size = site.small
      ? { clients: 40, perSecond: 20, everyMs: 3_000, awayMs: 1_000, ms: 8_000 }
      : { clients: 300, perSecond: 40, everyMs: 15_000, awayMs: 2_000, ms: 120_000 }
    const traffic = await Traffic.open(site, { clients: size.clients, channels: 4 })
    await traffic.talk({ perSecond: size.perSecond, edits: 0.15, deletes: 0.1 })
    await site.crew.all('cut', { everyMs: size.everyMs, awayMs: size.awayMs })
    await delay(size.ms)
    return (await traffic.finish()).figures
  },
}
