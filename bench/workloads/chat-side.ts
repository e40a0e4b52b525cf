import { randomUUID } from 'node:crypto'
import { register, workspaceOf } from '../../test/support/api.js'
import { site } from '../data/site.js'
import type { Bench, Database } from '../lab/bench.js'
import type { Load } from '../lab/load.js'
import type { Server } from '../lab/server.js'
import type { Contender, Figure, Sample } from '../lab/workload.js'
import type { Client, SocketOrders } from '../load/sockets.js'
import type { Talk } from '../load/talk.js'

/** What the sides of a chat have in common. */
export interface ChatPlan {
  /** Also that of its databases. */
  name: string
  listeners: number
  talk: Talk
}

export const chatFigures: Figure[] = [
  { name: 'messages', unit: '/s', better: 'more' },
  { name: 'deliveries', unit: '/s', better: 'more' },
  { name: 'ack p50', unit: ' ms', better: 'less' },
  { name: 'ack p99', unit: ' ms', better: 'less' },
  { name: 'delivery p50', unit: ' ms', better: 'less' },
  { name: 'delivery p99', unit: ' ms', better: 'less' },
  { name: 'other node p50', unit: ' ms', better: 'less' },
  { name: 'other node p99', unit: ' ms', better: 'less' },
  { name: 'server busy', unit: ' %', better: 'less' },
  { name: 'load busy', unit: ' %', better: 'less' },
]

/** One side of a chat: servers, clients that are in their channels, and what they say. */
export class ChatSide implements Contender {
  private acknowledged = 0

  constructor(
    readonly name: string,
    private readonly servers: readonly Server[],
    private readonly load: Load<SocketOrders>,
    private readonly talk: Talk,
    /** Reads how many messages are stored, where they are. */
    private readonly stored?: () => Promise<number>,
  ) {}

  async sample(): Promise<Sample> {
    const storedBefore = await this.stored?.()
    const [begun, before] = [performance.now(), this.cpuSeconds()]
    const talked = await this.load.ask('talk', this.talk)
    const busy = (this.cpuSeconds() - before) / ((performance.now() - begun) / 1000)
    await this.compare(talked.acknowledged - this.acknowledged, storedBefore)
    this.acknowledged = talked.acknowledged
    const { acks, near, far } = talked
    return {
      messages: talked.acksPerSecond,
      deliveries: talked.deliveriesPerSecond,
      'ack p50': acks.p50,
      'ack p99': acks.p99,
      'delivery p50': near.p50,
      'delivery p99': near.p99,
      ...(far.count > 0 && { 'other node p50': far.p50, 'other node p99': far.p99 }),
      'server busy': busy * 100,
      'load busy': talked.busy * 100,
    }
  }

  /** @throws where another number is stored than was acknowledged */
  private async compare(acknowledged: number, storedBefore = 0) {
    const storedAfter = await this.stored?.()
    if (storedAfter === undefined || storedAfter - storedBefore === acknowledged) return
    throw new Error(`${storedAfter - storedBefore} messages were stored, and ${acknowledged} acknowledged`)
  }

  private cpuSeconds(): number {
    return this.servers.reduce((sum, server) => sum + server.cpuSeconds(), 0)
  }
}

/** Vibed on Postgres, everybody in one channel; at each of several nodes where `nodes` has their settings. */
export async function vibedSide(
  bench: Bench,
  { name, listeners, talk }: ChatPlan,
  nodes: Record<string, string>[] = [{}],
): Promise<ChatSide> {
  const plan = { name: databaseName(name, 'vibed'), channels: 1, people: listeners }
  const { database, channelIds, people } = await site(bench, plan)
  const servers: Server[] = []
  for (const env of nodes) servers.push(await bench.server({ database, env }))
  const clients = people.map(({ token }, n) => ({ origin: originOf(servers, n), token, channelIds }))
  return new ChatSide('Vibed', servers, await enter(bench, clients), talk, countIn(database))
}

/** Vibed on PGlite, where people have to register like anybody else. */
export async function embeddedVibedSide(bench: Bench, { listeners, talk }: ChatPlan): Promise<ChatSide> {
  const server = await bench.server()
  const owner = await register(server.origin)
  const others = await Promise.all(Array.from({ length: listeners - 1 }, () => register(server.origin)))
  const { id: workspaceId } = await workspaceOf(owner, ...others)
  const { api } = owner
  const channel = await api.data('POST', `/workspaces/${workspaceId}/channels`, {
    name: 'general',
    type: 'public',
  })
  const clients = [owner, ...others].map(({ accessToken }) => ({
    origin: server.origin,
    token: accessToken,
    channelIds: [String(channel.id)],
  }))
  const stored = async () => Number((await api.data('GET', `/channels/${channel.id}`)).lastSeq)
  return new ChatSide('Vibed', [server], await enter(bench, clients), talk, stored)
}

/** One of bench/baselines; it stores messages where it gets a database for them. */
export async function baselineSide(
  bench: Bench,
  { name, listeners, talk }: ChatPlan,
  { title, file, stores }: { title: string; file: string; stores: 'in Postgres' | 'in PGlite' | 'nothing' },
): Promise<ChatSide> {
  const database = stores === 'in Postgres' ? await bench.database(databaseName(name, file)) : undefined
  const server = await bench.baseline(file, {
    ...(database && { database }),
    env: { DATA_DIR: bench.newFolder() },
  })
  const channelIds = [randomUUID()]
  const clients = strangers(bench, listeners).map(token => ({ origin: server.origin, token, channelIds }))
  const load = await enter(bench, clients)
  return new ChatSide(title, [server], load, talk, database && countIn(database))
}

/** Tokens of people whom no server needs to know before they come. */
export function strangers(bench: Bench, count: number): string[] {
  return Array.from({ length: count }, (_, n) => {
    const person = { id: randomUUID(), name: `u${n}`, email: `u${n}@example.com`, sessionId: randomUUID() }
    return bench.token(person)
  })
}

/** Connects clients from a process of their own, and waits until it is quiet. */
export async function enter(bench: Bench, clients: Client[]): Promise<Load<SocketOrders>> {
  const load = bench.load<SocketOrders>('sockets')
  await load.ask('open', clients)
  await load.ask('settle', quietMs(bench))
  return load
}

/** Longer than the server waits to tell several things together. */
export function quietMs({ short }: Bench): number {
  return short ? 50 : 1_200
}

export function countIn(database: Database): () => Promise<number> {
  return () =>
    database.connected(async client => {
      const { rows } = await client.query('select count(*)::int as count from messages')
      return Number(rows[0]?.count)
    })
}

export function databaseName(...parts: string[]): string {
  return parts.join('_').replaceAll('-', '_')
}

function originOf(servers: readonly Server[], n: number): string {
  return servers[n % servers.length]?.origin ?? ''
}
