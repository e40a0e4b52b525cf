import { setTimeout as delay } from 'node:timers/promises'
import { compareViews } from '../../clients/compare-views.js'
import { allOf, atMost, type Figure, told } from '../../lab/figures.js'
import type { Site } from '../../lab/lab.js'
import type { Scenario } from '../scenario.js'
import { merged, Traffic } from '../traffic.js'
import { SlowSocket } from './slow-socket.js'
import { SlowStream } from './slow-stream.js'

/** How much slower the others may be, as a factor, and a millisecond for the rounding. */
const LEEWAY = 1.1
const ROUNDING_MS = 1
const CLOSED_MS = 10_000
const MEMORY_MB = 10
const PADDING = 600

/** Somebody in a busy channel, or on a busy stream, reads a kilobyte in a second, and nobody else can tell. */
export const slow: Scenario = {
  name: 'slow',
  nodes: {},
  crews: 4,
  async run(site) {
    const size = site.small
      ? { clients: 60, perSecond: 30, warmMs: 2_000, partMs: 6_000 }
      : { clients: 300, perSecond: 50, warmMs: 10_000, partMs: 30_000 }
    const traffic = await Traffic.open(site, { clients: size.clients, channels: 1, node: 0 })
    await traffic.talk({ perSecond: size.perSecond, edits: 0, deletes: 0, padding: PADDING })
    // It is there, and read as fast as any, in all parts but the one in which it is slow.
    const stream = await SlowStream.open(site, traffic.place)
    await delay(size.warmMs)
    // A run drifts, as its ledgers grow: each part is held against those right before and after it.
    const before = await observe(site, size.partMs)

    const socket = await SlowSocket.open(site, traffic.place)
    await socket.clog()
    const beside = await observe(site, size.partMs)
    const closedMs = await socket.closedAfter()
    socket.resume()
    const between = await observe(site, size.partMs)

    await stream.clog()
    const besideStream = await observe(site, size.partMs)
    const streamClosedMs = await stream.closedAfter()
    await stream.resume()
    const after = await observe(site, size.partMs)

    const streamed = await stream.finish()
    stream.close()
    const { figures } = await traffic.finish()
    const truth = await site.truth(traffic.place.channelIds)
    await socket.present()
    const { shown, expected } = compareViews([socket.client], truth)
    socket.close()
    return [
      ...comparison('with a slow socket', [before, between], beside),
      atMost('slow socket closed after its queue began', closedMs, CLOSED_MS, ' ms'),
      allOf('shown to it after it resumed', shown, expected),
      ...comparison('with a slow stream', [between, after], besideStream),
      atMost('slow stream closed after its queue began', streamClosedMs, CLOSED_MS, ' ms'),
      ...streamed,
      ...figures,
    ]
  },
}

interface Observed {
  p99: number
  megabytes: number
}

/** How the others fare for a while, and how much memory the node has at most. */
async function observe(site: Site, ms: number): Promise<Observed> {
  await site.node(0).memory()
  await site.crew.all('times')
  const begun = Date.now()
  const sizes: number[] = []
  while (Date.now() - begun < ms) {
    await delay(250)
    sizes.push(site.node(0).residentMegabytes())
  }
  const times = await site.crew.all('times')
  return { p99: merged(times.map(({ delays }) => delays)).quantile(0.99), megabytes: Math.max(...sizes) }
}

/** @param without what was observed right before and right after */
function comparison(name: string, without: readonly [Observed, Observed], beside: Observed): Figure[] {
  const usual = (without[0].p99 + without[1].p99) / 2
  const [before] = without
  return [
    told(
      `p99 of the others before, ${name}, and after`,
      [before, beside, without[1]].map(({ p99 }) => `${p99}`).join(' / '),
    ),
    atMost(`p99 ${name}`, beside.p99, Math.round(usual * LEEWAY) + ROUNDING_MS, ' ms'),
    atMost(`memory more ${name}`, beside.megabytes - before.megabytes, MEMORY_MB, ' MB'),
  ]
}
