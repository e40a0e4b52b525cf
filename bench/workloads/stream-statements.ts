import { setTimeout as delay } from 'node:timers/promises'
import { copyOf } from '../data/site.js'
import { articlesPlace, articlesTasks, streamsSite } from '../data/sites.js'
import type { Bench } from '../lab/bench.js'
import type { Load } from '../lab/load.js'
import type { Server } from '../lab/server.js'
import type { Figure, Sample, Workload } from '../lab/workload.js'
import type { StreamOrders } from '../load/streams.js'
import { ARTICLES, OURS } from './asking.js'
import {
  CHANGES_PER_SECOND,
  contender,
  crowds,
  FEW,
  type Listeners,
  MANY,
  MORE,
  moves,
  onEach,
  onOne,
  SEPARATE,
} from './stream-sides.js'

/** As long as statistics that nobody changes take to come again. */
const WINDOW_MS = 10_000

const IDLE = { few: `idle, ${FEW}`, more: `idle, ${MORE}`, many: `idle, ${MANY}`, each: `idle, ${SEPARATE}` }
const BUSY = { few: `changing, ${FEW}`, many: `changing, ${MANY}`, each: `changing, ${SEPARATE}` }
const PER_TOPIC = 'idle, for each topic'
const statements = (name: string): Figure => ({ name, unit: '', better: 'less' })

export const streamStatements: Workload = {
  name: 'stream-statements',
  title: 'Statements in 10 s, by the streams that are open',
  note: 'All that the server sends to the database, its own pulse and, where tasks change, 50 changes a second included. A topic’s share is what 500 topics cost more than one, with as many streams.',
  cold: true,
  figures: [...Object.values(IDLE), PER_TOPIC, ...Object.values(BUSY)].map(statements),
  bars: [
    { figure: IDLE.many, against: OURS, their: IDLE.few, atLeast: 1 / 1.2 },
    { figure: BUSY.many, against: OURS, their: BUSY.few, atLeast: 1 / 1.2 },
    { figure: PER_TOPIC, limit: 2 },
  ],
  async open(bench) {
    const from = await streamsSite(bench)
    const load = bench.load<StreamOrders>('streams')
    const [few = 0, more = 0, many = 0] = crowds(bench)
    const sides = [
      { idle: IDLE.few, busy: BUSY.few, streams: onOne(from, 0, few), projects: 1 },
      { idle: IDLE.more, busy: undefined, streams: onOne(from, 0, more), projects: 1 },
      { idle: IDLE.many, busy: BUSY.many, streams: onOne(from, 0, many), projects: 1 },
      { idle: IDLE.each, busy: BUSY.each, streams: onEach(from, more), projects: more },
    ]
    // Each on a database of its own: otherwise they were the nodes of one cluster, and would hear of each other.
    const databases = await Promise.all(sides.map((_, n) => copyOf(bench, from.database, n)))
    const running: ((typeof sides)[number] & { server: Server })[] = []
    for (const [n, side] of sides.entries()) {
      const server = await bench.server({ database: databases[n] ?? from.database, counted: true })
      await load.ask('open', { name: side.idle, origin: server.origin, streams: side.streams })
      running.push({ ...side, server })
    }
    const length = bench.short ? 300 : WINDOW_MS
    const ours = async (): Promise<Sample> => {
      const sample: Sample = {}
      await Promise.all(
        running.map(async ({ server, idle }) => {
          sample[idle] = await during(server, () => delay(length))
        }),
      )
      for (const { server, busy, projects } of running) {
        if (busy === undefined) continue
        const pace = { count: (CHANGES_PER_SECOND * length) / 1_000, perSecond: CHANGES_PER_SECOND }
        const changes = { ...moves(from, projects), ...pace, origin: server.origin }
        sample[busy] = await during(server, () => load.ask('change', changes))
      }
      const ofTopics = (sample[IDLE.each] ?? 0) - (sample[IDLE.more] ?? 0)
      return { ...sample, [PER_TOPIC]: ofTopics / (more - 1) }
    }
    const articles = await articlesStreams(bench, load, from, few)
    return [
      contender(OURS, ours),
      contender(ARTICLES, async () => ({ [IDLE.few]: await during(articles, () => delay(length)) })),
    ]
  },
}

async function during(server: Server, work: () => Promise<unknown>): Promise<number> {
  const before = server.statements()
  await work()
  return server.statements() - before
}

async function articlesStreams(bench: Bench, load: Load<StreamOrders>, { owner }: Listeners, count: number) {
  const server = await bench.baseline('stats-articles', {
    database: await articlesTasks(bench),
    counted: true,
  })
  const path = `/workspaces/${articlesPlace.workspaceId}/stats/live`
  const streams = Array.from({ length: count }, () => ({ path, token: owner.accessToken }))
  await load.ask('open', { name: ARTICLES, origin: server.origin, streams })
  return server
}
