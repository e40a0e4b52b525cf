import { exactly, type Figure, told } from '../lab/figures.js'
import type { Scenario } from './scenario.js'
import { Traffic } from './traffic.js'

/** Everything is sent up to five times, at once and over all nodes, and is there once. */
export const doubles: Scenario = {
  name: 'doubles',
  nodes: { skewMs: 30_000 },
  crews: 4,
  async run(site) {
    const sends = site.small ? 1_000 : 10_000
    const traffic = await Traffic.open(site, { clients: 20, channels: 4, onEachNode: true })
    const disagreements = await site.crew.all('repeat', {
      sends: sends / site.crew.size,
      mostTries: 5,
      discarded: 0.3,
    })
    const { figures } = await traffic.finish()
    const truth = await site.truth(traffic.place.channelIds)
    const rows = Object.values(truth).reduce((sum, channel) => sum + channel.rows.length, 0)
    const differing = disagreements.reduce((sum, count) => sum + count, 0)
    const own: Figure[] = [
      told('messages sent up to 5 times', sends),
      exactly('rows', rows, sends),
      exactly('acks that differ for one message', differing, 0),
    ]
    return [...own, ...figures]
  },
}
