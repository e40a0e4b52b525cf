import { randomUUID } from 'node:crypto'
import { settle } from '../../chaos/lab/people.js'
import type { Bench, Database } from '../lab/bench.js'
import type { Load } from '../lab/load.js'
import type { Server } from '../lab/server.js'
import type { Contender, Sample, Workload } from '../lab/workload.js'
import type { Client, SocketOrders } from '../load/sockets.js'
import { quietMs, strangers } from './chat-side.js'

/** Who connects to a server: so many who have never been there, all of one company, and of one channel where they join. */
type Company = (count: number, joining?: 'joining') => Promise<Client[]>

interface Side {
  server: Server
  company: Company
}

/** What a sample is made of. */
interface Scene {
  server: Server
  load: Load<SocketOrders>
  company: Company
}

export const connectStorm: Workload = {
  name: 'connect-storm',
  title: 'A storm of 250 and of 1,000 sockets',
  note: `People of one workspace connect, a hundred at a time, until everybody has been told of everybody. CPU is the
server's, of one socket; "joining" is with everybody going into one channel. Bare Socket.IO tells nobody of anybody.`,
  figures: [
    { name: 'CPU at 250', unit: ' ms', better: 'less' },
    { name: 'CPU at 1,000', unit: ' ms', better: 'less' },
    { name: 'CPU at 1,000, joining', unit: ' ms', better: 'less' },
    { name: 'joins refused', unit: '', better: 'less' },
    { name: 'all connected', unit: ' ms', better: 'less' },
    { name: 'all told', unit: ' ms', better: 'less' },
  ],
  bars: [{ figure: 'CPU at 1,000', against: 'Vibed', their: 'CPU at 250', atLeast: 1 / 1.3 }],
  open: async bench => {
    const storm = async ({ server, load, company }: Scene): Promise<Sample> => {
      const [fewer, more] = bench.short ? [25, 100] : [250, 1_000]
      const few = await come(bench, server, load, await company(fewer))
      await load.ask('leave')
      const many = await come(bench, server, load, await company(more))
      await load.ask('leave')
      const joining = await come(bench, server, load, await company(more, 'joining'))
      await load.ask('leave')
      return {
        'CPU at 250': few.cpuMs,
        'CPU at 1,000': many.cpuMs,
        'CPU at 1,000, joining': joining.cpuMs,
        'joins refused': joining.refusals,
        'all connected': many.connectedMs,
        'all told': many.toldMs,
      }
    }
    return [
      await contender(bench, 'Vibed', await vibed(bench, 'storm_vibed'), storm),
      await contender(bench, 'bare Socket.IO', await baseline(bench, 'chat-broadcast'), storm),
      await contender(bench, "the articles' way", await articles(bench, 'storm_articles'), storm),
    ]
  },
}

/** Longer than Vibed waits for somebody who may only have reloaded his page, in milliseconds. */
const GRACE_MS = 11_000

export const presence: Workload = {
  name: 'presence',
  title: 'Presence of 2,000 users of one workspace',
  note: `Everybody comes, a hundred at a time, and is told of everybody who comes after him; then a hundred go at once.
Vibed tells what happens within a second together, and waits ten seconds for who goes. CPU is the server's, in all.`,
  cold: true,
  figures: [
    { name: 'CPU of coming', unit: ' s', better: 'less' },
    { name: 'all told', unit: ' ms', better: 'less' },
    { name: 'CPU of going', unit: ' s', better: 'less' },
  ],
  bars: [],
  open: async bench => {
    const [all, going] = bench.short ? [60, 10] : [2_000, 100]
    const scene = async ({ server, load, company }: Scene): Promise<Sample> => {
      const { cpuMs, toldMs } = await come(bench, server, load, await company(all))
      const before = server.cpuSeconds()
      await load.ask('leave', going)
      await new Promise(resolve => setTimeout(resolve, bench.short ? 0 : GRACE_MS))
      await load.ask('settle', quietMs(bench))
      const cpuOfGoing = server.cpuSeconds() - before
      await load.ask('leave')
      return { 'CPU of coming': (cpuMs * all) / 1000, 'all told': toldMs, 'CPU of going': cpuOfGoing }
    }
    return [
      await contender(bench, 'Vibed', await vibed(bench, 'presence_vibed'), scene),
      await contender(bench, "the articles' way", await articles(bench, 'presence_articles'), scene),
    ]
  },
}

export const idleSockets: Workload = {
  name: 'idle-sockets',
  title: '2,000 idle sockets',
  note: `Companies of a hundred, each in a room. What a socket adds to a fresh server, after collecting garbage: to what JavaScript
holds, and to what the system has given to the process, which is what the bar is about. Held are, besides Socket.IO's own,
the session with its order of events, what was sent and is not yet read, and who it is; the request that it began with is a
twentieth of it.`,
  cold: true,
  figures: [
    { name: 'held', unit: ' KiB', better: 'less' },
    { name: 'resident', unit: ' KiB', better: 'less' },
  ],
  bars: [{ figure: 'resident', against: 'bare Socket.IO', atLeast: 1 / 1.2 }],
  open: async bench => {
    const database = await bench.vibedDatabase('idle_vibed')
    return [
      { name: 'Vibed', sample: () => memory(bench, vibedOn(bench, database)) },
      { name: 'bare Socket.IO', sample: () => memory(bench, baseline(bench, 'chat-broadcast')) },
    ]
  },
}

const COMPANY = 100

/** What one socket adds to a server that has just been started. */
async function memory(bench: Bench, starting: Promise<Side>): Promise<Sample> {
  const { server, company } = await starting
  const load = bench.load<SocketOrders>('sockets')
  // What the first ones leave behind is of the server's and not of theirs.
  await come(bench, server, load, await company(COMPANY, 'joining'))
  await load.ask('leave')
  const clients: Client[] = []
  for (let n = 0; n < (bench.short ? 1 : 20); n++) clients.push(...(await company(COMPANY, 'joining')))
  const before = await server.memory()
  await come(bench, server, load, clients)
  const after = await server.memory()
  await Promise.all([load.close(), server.kill()])
  const kib = (bytes: number) => bytes / clients.length / 1024
  return { held: kib(after.held - before.held), resident: kib(after.resident - before.resident) }
}

/** Connects clients, and waits until all that this brings about has been told. */
async function come(bench: Bench, server: Server, load: Load<SocketOrders>, clients: Client[]) {
  const before = server.cpuSeconds()
  const { connectedMs, refusals } = await load.ask('open', clients)
  const { lastAfterMs } = await load.ask('settle', quietMs(bench))
  const cpuMs = ((server.cpuSeconds() - before) / clients.length) * 1000
  return { cpuMs, connectedMs, refusals, toldMs: Math.max(connectedMs, lastAfterMs) }
}

async function contender(
  bench: Bench,
  name: string,
  side: Side,
  sample: (scene: Scene) => Promise<Sample>,
): Promise<Contender> {
  const load = bench.load<SocketOrders>('sockets')
  return { name, sample: () => sample({ ...side, load }) }
}

async function vibed(bench: Bench, name: string): Promise<Side> {
  return vibedOn(bench, await bench.vibedDatabase(name))
}

/** Each company is a workspace of its own, so that nobody who has gone has anybody to be told of it. */
async function vibedOn(bench: Bench, database: Database): Promise<Side> {
  const server = await bench.server({ database })
  const makers = bench.people(database)
  const company: Company = async (count, joining) => {
    const { workspaceId, channelIds } = await settle(server.origin, 1)
    const people = await makers.make(count, workspaceId)
    return people.map(({ token }) => ({
      origin: server.origin,
      token,
      channelIds: joining ? channelIds : [],
    }))
  }
  return { server, company }
}

async function articles(bench: Bench, name: string): Promise<Side> {
  return baseline(bench, 'chat-articles', await bench.database(name))
}

async function baseline(bench: Bench, file: string, database?: Database): Promise<Side> {
  const server = await bench.baseline(file, database ? { database } : {})
  const company: Company = async (count, joining) => {
    const channelIds = joining ? [randomUUID()] : []
    return strangers(bench, count).map(token => ({ origin: server.origin, token, channelIds }))
  }
  return { server, company }
}
