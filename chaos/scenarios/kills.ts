import { setTimeout as delay } from 'node:timers/promises'
import { atMost, told } from '../lab/figures.js'
import type { Place } from '../lab/people.js'
import type { Scenario } from './scenario.js'
import { backInTime, Traffic } from './traffic.js'

/** How long Postgres stays away. */
const AWAY_MS = 5_000

/** A node is killed, then one stands still for a while, then Postgres is killed. */
export const kills: Scenario = {
  name: 'kills',
  nodes: { skewMs: 30_000 },
  crews: 4,
  async run(site) {
    const { postgres } = site.lab
    const size = site.small
      ? { clients: 40, perSecond: 20, partMs: 2_000, pauseMs: 1_000 }
      : { clients: 300, perSecond: 40, partMs: 30_000, pauseMs: 10_000 }
    const traffic = await Traffic.open(site, { clients: size.clients, channels: 4 })
    await traffic.talk({ perSecond: size.perSecond, edits: 0.15, deletes: 0.1 })
    await delay(size.partMs)
    site.node(1).kill()
    await delay(size.partMs)
    site.node(0).pause()
    await delay(size.pauseMs)
    site.node(0).resume()
    await delay(size.partMs)
    postgres.kill()
    await delay(AWAY_MS)
    await postgres.restart()
    const again = await firstWrite(traffic.place)
    await delay(size.partMs)
    const { figures, backs } = await traffic.finish()
    const errors = site.nodes.reduce((sum, node) => sum + node.errors.length, 0)
    return [
      ...figures,
      backInTime(backs),
      atMost('writes again after Postgres is back', again, 10_000, ' ms'),
      told('errors logged', errors),
    ]
  },
}

/** Milliseconds until somebody can write. */
async function firstWrite({ owner, workspaceId }: Place): Promise<number> {
  const begun = Date.now()
  for (;;) {
    const patch = owner.api.patch(`/workspaces/${workspaceId}`, { name: 'Lab again' })
    // A connection that was kept alive may have ended unheard.
    const { status } = await patch.catch(() => ({ status: 0 }))
    if (status === 200) return Date.now() - begun
    await delay(100)
  }
}
