import { streamsSite } from '../data/sites.js'
import type { Load } from '../lab/load.js'
import { median, spread } from '../lab/quantiles.js'
import type { Server } from '../lab/server.js'
import type { Sample, Workload } from '../lab/workload.js'
import type { Changes, StreamGroup, StreamOrders } from '../load/streams.js'
import { ask, milliseconds, OURS } from './asking.js'
import {
  CHANGES_PER_SECOND,
  contender,
  crowds,
  FEW,
  MANY,
  MORE,
  moves,
  onEach,
  onOne,
  SEPARATE,
} from './stream-sides.js'
import { streamStatements } from './stream-statements.js'

const lastOf = (crowd: string) => milliseconds(`the last of ${crowd}`)
const afterChange = (crowd: string) => milliseconds(`after the change, ${crowd}`)

const broadcasting: Workload = {
  name: 'stream-broadcast',
  title: 'Until the last of all streams on a topic has an event',
  note: 'From the time that the server wrote into the event, which is when it was made, until the last client has read it; and, with Vibed, since the change was sent: there are at least 300 ms between two events. Bare: Express 5, one buffer with the same content.',
  figures: [...[FEW, MORE, MANY].map(lastOf), ...[FEW, MORE, MANY].map(afterChange)],
  bars: [FEW, MORE, MANY].map(crowd => ({ figure: lastOf(crowd).name, against: 'bare', atLeast: 1 / 2 })),
  async open(bench) {
    const from = await streamsSite(bench)
    const load = bench.load<StreamOrders>('streams')
    const ours = await bench.server({ database: from.database })
    const bare = await bench.baseline('streams-bare')
    const topics = [FEW, MORE, MANY].map((crowd, n) => ({ crowd, n, count: crowds(bench)[n] ?? 0 }))
    const { token, requests } = moves(from, topics.length)
    const { answer } = await ask(ours, {
      method: 'GET',
      path: `/api/v1/projects/${from.filled.projects[0]?.projectId}/stats`,
      token,
    })
    for (const { crowd, n, count } of topics) {
      const streams = onOne(from, n, count)
      await load.ask('open', { name: `${OURS} ${crowd}`, origin: ours.origin, streams })
      const theirs = streams.map(stream => ({ ...stream, path: `/topics/${n}` }))
      await load.ask('open', { name: `bare ${crowd}`, origin: bare.origin, streams: theirs })
    }
    const side = (name: string, server: Server, of: (n: number) => Changes['requests']) =>
      contender(name, async () => {
        const sample: Sample = {}
        for (const { crowd, n } of topics) {
          const times = await broadcasts(load, `${name} ${crowd}`, {
            origin: server.origin,
            token,
            requests: of(n),
            count: bench.short ? 2 : 10,
            perSecond: 1_000,
          })
          sample[lastOf(crowd).name] = median(times.map(({ written }) => written))
          if (name === OURS) sample[afterChange(crowd).name] = median(times.map(({ changed }) => changed))
        }
        return sample
      })
    return [
      side(OURS, ours, n => requests.slice(n, n + 1)),
      side('bare', bare, n => [{ method: 'POST', path: `/topics/${n}`, bodies: [answer.data] }]),
    ]
  },
}

/** Changes one after another, and how long the last stream waited for each event: since it was made, and since the change. */
async function broadcasts(load: Load<StreamOrders>, group: string, { count, ...changes }: Changes) {
  const times: { written: number; changed: number }[] = []
  for (let n = 0; n < count; n++) {
    await load.ask('forget', group)
    const changedAt = performance.timeOrigin + performance.now()
    await load.ask('change', { ...changes, count: 1 })
    const { sentAt, lastAt } = await load.ask('broadcast', group)
    times.push({ written: lastAt - sentAt, changed: lastAt - changedAt })
  }
  return times
}

const DELAYS = { p50: milliseconds('p50'), p99: milliseconds('p99') }

const separate: Workload = {
  name: 'stream-topics',
  title: '500 streams on 500 topics while 50 tasks change each second',
  note: 'From the change that is sent until the stream of its project has the new statistics; a topic counts at most every 300 ms.',
  figures: [DELAYS.p50, DELAYS.p99, { name: 'server busy', unit: ' %', better: 'less' }],
  bars: [],
  async open(bench) {
    const from = await streamsSite(bench)
    const load = bench.load<StreamOrders>('streams')
    const server = await bench.server({ database: from.database })
    const count = crowds(bench)[1] ?? 0
    await load.ask('open', { name: SEPARATE, origin: server.origin, streams: onEach(from, count) })
    const changes: Changes = {
      ...moves(from, count),
      origin: server.origin,
      count: bench.short ? count : 500,
      perSecond: CHANGES_PER_SECOND,
      group: SEPARATE,
    }
    return [
      contender(OURS, async () => {
        const [begun, before] = [performance.now(), server.cpuSeconds()]
        const { p50, p99 } = spread(await load.ask('change', changes))
        const busy = (server.cpuSeconds() - before) / ((performance.now() - begun) / 1_000)
        return { [DELAYS.p50.name]: p50, [DELAYS.p99.name]: p99, 'server busy': busy * 100 }
      }),
    ]
  },
}

const KIB = 1024
const memory: Workload = {
  name: 'stream-memory',
  title: 'Memory of 2,000 idle streams, each',
  note: 'What the process grows by, after a collection; each stream is of another user, with a token of his own. Bare: Express 5, the same requests.',
  figures: [
    { name: 'resident', unit: ' KiB', better: 'less' },
    { name: 'held', unit: ' KiB', better: 'less' },
  ],
  bars: [{ figure: 'resident', against: 'bare', atLeast: 1 / 1.2 }],
  async open(bench) {
    const from = await streamsSite(bench)
    const load = bench.load<StreamOrders>('streams')
    const [warming = 0, , count = 0] = crowds(bench)
    type Streams = StreamGroup['streams']
    const side = (name: string, start: () => Promise<Server>, path: (streams: Streams) => Streams) =>
      contender(name, async () => {
        const server = await start()
        const open = (group: string, streams: Streams) =>
          load.ask('open', { name: group, origin: server.origin, streams: path(streams) })
        await open('warm', onOne(from, 0, warming))
        const before = await server.memory()
        await open('idle', onOne(from, 0, count))
        const after = await server.memory()
        await load.ask('close', 'warm')
        await load.ask('close', 'idle')
        await server.kill()
        return {
          resident: (after.resident - before.resident) / count / KIB,
          held: (after.held - before.held) / count / KIB,
        }
      })
    return [
      side(
        OURS,
        () => bench.server({ database: from.database }),
        streams => streams,
      ),
      side(
        'bare',
        () => bench.baseline('streams-bare'),
        streams => streams.map(stream => ({ ...stream, path: '/topics/0' })),
      ),
    ]
  },
}

export const streamWorkloads: readonly Workload[] = [streamStatements, broadcasting, separate, memory]
