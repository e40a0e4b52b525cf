import { setTimeout as delay } from 'node:timers/promises'
import type { Times } from '../clients/orders.js'
import { atMost, exactly, told } from '../lab/figures.js'
import type { Histogram } from '../lab/histogram.js'
import type { Site } from '../lab/lab.js'
import type { Scenario } from './scenario.js'
import { merged, Traffic } from './traffic.js'

const LOCK_MS = 5_000
/** An ack that takes longer has waited for the lock. */
const UNDISTURBED_MS = 1_000

/** Many write at once into many channels; in the middle somebody holds the lock of one of them. */
export const order: Scenario = {
  name: 'order',
  nodes: { skewMs: 30_000 },
  crews: 4,
  async run(site) {
    const size = site.small ? { perSecond: 50, ms: 4_000 } : { perSecond: 200, ms: 30_000 }
    const traffic = await Traffic.open(site, { clients: 50, channels: 10 })
    const [locked = ''] = traffic.place.channelIds
    await traffic.talk({ perSecond: size.perSecond, edits: 0, deletes: 0 })
    await delay(size.ms)
    const before = othersThan(locked, await site.crew.all('times'))
    await holdLock(site, locked)
    // What waited for the lock is acknowledged now, and tells for how long.
    await delay(size.ms)
    const during = othersThan(locked, await site.crew.all('times'))
    const { figures, sums } = await traffic.finish()
    return [
      ...figures,
      exactly('numbers left out', sums.holes, 0),
      told('acks p50 / max before the lock', `${before.quantile(0.5)} / ${before.quantile(1)} ms`),
      told('acks of others p50 / p99 during it', `${during.quantile(0.5)} / ${during.quantile(0.99)} ms`),
      atMost('slowest ack of others during it', during.quantile(1), UNDISTURBED_MS, ' ms'),
    ]
  },
}

/** A transaction that has the channel's row for five seconds. */
function holdLock(site: Site, channelId: string): Promise<void> {
  return site.lab.postgres.connected(site.database, async client => {
    await client.query('begin')
    await client.query('select 1 from channels where id = $1 for update', [channelId])
    await delay(LOCK_MS)
    await client.query('commit')
  })
}

function othersThan(locked: string, times: readonly Times[]): Histogram {
  const others = times.flatMap(({ acks }) => acks.filter(([channelId]) => channelId !== locked))
  return merged(others.map(([, entries]) => entries))
}
