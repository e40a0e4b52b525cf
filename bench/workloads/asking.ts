import type { Bench, Database } from '../lab/bench.js'
import type { Load } from '../lab/load.js'
import type { Server } from '../lab/server.js'
import type { Contender, Figure, Sample } from '../lab/workload.js'
import type { HttpOrders, HttpPlan, HttpRequest } from '../load/http.js'

export const OURS = 'Vibed'
export const ARTICLES = 'the articles’ way'

const CONNECTIONS = 32
const SAMPLE_MS = 3_000
const SHORT_SAMPLE_MS = 150
/** A server has a pulse of its own: of so many tries the one that it did not get into tells what a request costs. */
const TRIES = 7

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape are looked into
export type Answer = { data: any; meta?: any }

/** Requests that are one figure: how many of them a server answers in a second. */
export interface Asked {
  figure: string
  /** Taken in turns. */
  requests: readonly HttpRequest[]
  /** Whether the answer to the first of them is what it must be. */
  isRight(answer: Answer): boolean
  /** How many things one answer gives, where that is not one; a third where it takes three to have it. */
  worth?: number
}

export interface AskedServer {
  name: string
  server: Server
  asked: readonly Asked[]
  /** Figures that were found otherwise. */
  also?: Sample
}

export const perSecond = (name: string): Figure => ({ name, unit: '/s', better: 'more' })
export const milliseconds = (name: string): Figure => ({ name, unit: ' ms', better: 'less' })
export const statementsFigure: Figure = { name: 'statements a request', unit: '', better: 'less' }
export const atOnceFigure: Figure = { name: 'statements each, at once', unit: '', better: 'less' }
export const cpuFigure: Figure = { name: 'CPU a request', unit: ' µs', better: 'less' }
/** Near 100 the generator is what is measured. */
export const loadFigure: Figure = { name: 'load busy', unit: ' %', better: 'less' }

/** Servers under requests, one contender each, from one generator. */
export async function underLoad(bench: Bench, servers: readonly AskedServer[]): Promise<Contender[]> {
  const load = bench.load<HttpOrders>('http')
  const length = lengthOf(bench)
  for (const { name, server, asked } of servers)
    for (const each of asked) await proveRight(name, server, each)
  return servers.map(({ name, server, asked, also }) => ({
    name,
    sample: async () => {
      const samples: Sample[] = []
      for (const each of asked) samples.push(await sampleOf(load, server, each, length, asked.length > 1))
      return Object.assign({}, also, ...samples)
    },
  }))
}

function lengthOf({ short }: Bench): number {
  return short ? SHORT_SAMPLE_MS : SAMPLE_MS
}

async function sampleOf(
  load: Load<HttpOrders>,
  server: Server,
  { figure, requests, worth = 1 }: Asked,
  length: number,
  isOneOfMany: boolean,
): Promise<Sample> {
  const plan: HttpPlan = { origin: server.origin, connections: CONNECTIONS, milliseconds: length, requests }
  const before = server.cpuSeconds()
  const { perSecond, count, p50, p99, busy } = await load.ask('run', plan)
  const cpu = ((server.cpuSeconds() - before) / count) * 1e6
  const many = { [figure]: perSecond * worth, [`p99 ${figure}`]: p99 }
  return isOneOfMany ? many : { ...many, p50, p99, [cpuFigure.name]: cpu, [loadFigure.name]: busy * 100 }
}

/** @throws where a contender does not give what is wanted of it: then its speed means nothing */
async function proveRight(name: string, server: Server, { figure, requests, isRight }: Asked) {
  const [first] = requests
  if (!first) throw new Error(`Nothing is asked of ${name} for ${figure}`)
  const { status, answer } = await ask(server, first)
  if (status >= 300 || !isRight(answer))
    throw new Error(`${name}, ${figure}: ${status} ${JSON.stringify(answer).slice(0, 2_000)}`)
}

/** One request, and what comes of it. */
export async function ask({ origin }: Server, { method, path, token, body }: HttpRequest) {
  const response = await fetch(`${origin}${path}`, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body }),
  })
  const answer = (await response.json()) as Answer
  return { status: response.status, answer }
}

/** Vibed on a database, to be asked; with how many statements the last of the requests costs. */
export async function vibed(bench: Bench, database: Database, asked: readonly Asked[]): Promise<AskedServer> {
  const counted = await bench.server({ database, counted: true })
  const also = { [statementsFigure.name]: await statementsOf(counted, lastOf(asked)) }
  // Counting is a detour, which only matters where time does.
  if (bench.short) return { name: OURS, server: counted, asked, also }
  await counted.kill()
  return { name: OURS, server: await bench.server({ database }), asked, also }
}

/** How many statements each costs where many are asked at once, and so what is done for several of them together counts once. */
export async function statementsAtOnce(
  bench: Bench,
  database: Database,
  [asked]: readonly Asked[],
): Promise<Sample> {
  const server = await bench.server({ database, counted: true })
  const load = bench.load<HttpOrders>('http')
  const before = server.statements()
  const plan = {
    origin: server.origin,
    connections: CONNECTIONS,
    milliseconds: lengthOf(bench),
    requests: asked?.requests ?? [],
  }
  const { count } = await load.ask('run', plan)
  const cost = (server.statements() - before) / count
  await server.kill()
  return { [atOnceFigure.name]: cost }
}

async function statementsOf(server: Server, request: HttpRequest): Promise<number> {
  const costs: number[] = []
  for (let n = 0; n < TRIES; n++) {
    const before = server.statements()
    const { status } = await ask(server, request)
    if (status >= 300) throw new Error(`${request.path}: ${status}`)
    costs.push(server.statements() - before)
  }
  return Math.min(...costs)
}

function lastOf(asked: readonly Asked[]): HttpRequest {
  const request = asked.at(-1)?.requests.at(-1)
  if (!request) throw new Error('Nothing is asked')
  return request
}
