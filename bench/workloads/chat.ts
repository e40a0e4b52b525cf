import type { Bench } from '../lab/bench.js'
import type { Contender, RatioBar, Workload } from '../lab/workload.js'
import {
  baselineSide,
  type ChatPlan,
  type ChatSide,
  chatFigures,
  embeddedVibedSide,
  vibedSide,
} from './chat-side.js'

const BARE = { title: 'bare', file: 'chat-bare', stores: 'in Postgres' } as const
const BARE_EMBEDDED = { title: 'bare', file: 'chat-bare', stores: 'in PGlite' } as const
const ARTICLES = { title: "the articles' way", file: 'chat-articles', stores: 'in Postgres' } as const
const BROADCAST = { title: 'broadcast only', file: 'chat-broadcast', stores: 'nothing' } as const

const NOTE = `Ten clients keep sixteen sends each under way; everybody in the channel hears everything. Bare is stock Socket.IO
with a group commit; "broadcast only" is stock Socket.IO that stores nothing. The load counts all frames, and takes the
time of some; "busy" is the part of a core that the server and the load used.`

const LIMIT = `Five times the articles' way is more than stock Socket.IO that stores nothing, so that the bar is not of this machine.
What keeps Vibed from more is PostgreSQL, asked for one batch after the other: of a batch of 80 messages it computes for
4 ms, 10 of 45 µs a message for the index of words, 10 for the foreign keys, 15 for five other indexes; the rest of 8 ms are
its disk and its turn on a core. Tried: smaller batches, so that one is stored while the answers of another go out (a fifth
slower: a statement costs half a millisecond by itself); no second pass that looks the batch's rows up (kept); plans that
are made once (kept).`

const SENDERS = 10
const IN_FLIGHT = 16
const SECONDS = 3

export const chatWorkloads: Workload[] = [
  flatOut(10, [
    { figure: 'messages', against: BARE.title, atLeast: 0.6 },
    { figure: 'messages', against: ARTICLES.title, atLeast: 5 },
  ]),
  flatOut(100, [{ figure: 'deliveries', against: BROADCAST.title, atLeast: 1.3 }]),
  flatOut(500, [{ figure: 'deliveries', against: BROADCAST.title, atLeast: 1.3 }]),
  {
    name: 'chat-steady',
    title: 'Sends over sockets, 20 a second, 100 in the channel',
    note: 'Most of it is the commit, which waits for the disk.',
    figures: chatFigures,
    bars: [{ figure: 'ack p99', against: BARE.title, atLeast: 1 / 1.5 }],
    open: async bench => {
      const talk = { senders: SENDERS, ms: bench.short ? 300 : 10_000, perSecond: 20 }
      const plan = { name: 'chat-steady', listeners: bench.short ? 20 : 100, talk }
      return sides([
        () => vibedSide(bench, plan),
        () => baselineSide(bench, plan, BARE),
        () => baselineSide(bench, plan, ARTICLES),
      ])
    },
  },
  {
    name: 'chat-pglite',
    title: 'Sends over sockets, flat out, 10 in the channel, on PGlite',
    figures: chatFigures,
    bars: [],
    note: 'PGlite does not sync to disk.',
    open: async bench => {
      const plan = flatOutPlan(bench, 'chat-pglite', bench.short ? 3 : 10)
      return sides([() => embeddedVibedSide(bench, plan), () => baselineSide(bench, plan, BARE_EMBEDDED)])
    },
  },
  twoNodes('redis', [{ figure: 'other node p99', against: 'Vibed', their: 'delivery p99', atLeast: 1 / 3 }]),
  twoNodes('postgres', [
    { figure: 'messages', limit: 950 },
    { figure: 'other node p99', limit: 250 },
  ]),
]

/** As many sends as can be had, with so many listeners in one channel. */
function flatOut(listeners: number, bars: RatioBar[]): Workload {
  const name = `chat-${listeners}`
  return {
    name,
    variant: listeners !== 10,
    title: `Sends over sockets, flat out, ${listeners} in the channel`,
    note: listeners === 10 ? `${NOTE} ${LIMIT}` : NOTE,
    figures: chatFigures,
    bars,
    open: async bench => {
      const plan = flatOutPlan(bench, name, listeners)
      return sides([
        () => vibedSide(bench, plan),
        () => baselineSide(bench, plan, BARE),
        () => baselineSide(bench, plan, ARTICLES),
        () => baselineSide(bench, plan, BROADCAST),
      ])
    },
  }
}

function flatOutPlan({ short }: Bench, name: string, listeners: number): ChatPlan {
  const talk = {
    senders: Math.min(SENDERS, listeners),
    inFlight: IN_FLIGHT,
    ms: short ? 200 : SECONDS * 1000,
  }
  return { name, listeners, talk }
}

/** Everybody in one channel, half of them at each of two nodes. */
function twoNodes(bus: 'redis' | 'postgres', bars: Workload['bars']): Workload {
  const name = `chat-nodes-${bus}`
  return {
    name,
    title: `Sends over sockets, 1,000 a second, on two nodes over ${bus === 'redis' ? 'Redis' : 'PostgreSQL'}, 20 in the channel`,
    note: 'Both nodes share one core. "Delivery" is at the node of the sender.',
    figures: chatFigures,
    bars,
    open: async bench => {
      const env: Record<string, string> = bus === 'redis' ? { REDIS_URL: await bench.redis() } : {}
      const talk = { senders: SENDERS, ms: bench.short ? 300 : 5_000, perSecond: bench.short ? 100 : 1_000 }
      return sides([() => vibedSide(bench, { name, listeners: 20, talk }, [env, env])])
    },
  }
}

/** One after the other: they share the machine. */
async function sides(openings: (() => Promise<ChatSide>)[]): Promise<Contender[]> {
  const opened: ChatSide[] = []
  for (const open of openings) opened.push(await open())
  return opened
}
