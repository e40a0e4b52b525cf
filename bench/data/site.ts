import type { ClientBase } from 'pg'
import type { Person } from '../../chaos/lab/people.js'
import { type Place, settle } from '../../chaos/lab/people.js'
import type { Bench, Database } from '../lab/bench.js'
import { mendCounters } from './built.js'

/** A filled database of Vibed's, who is in it, and what the filling left to know. */
export interface Site<T> extends Place {
  database: Database
  people: Person[]
  filled: T
}

/** What a site is to have. */
export interface SitePlan<T> {
  name: string
  channels: number
  people: number
  /** Made through the API, for whatever the server makes along with it. */
  make?(place: Place): Promise<T>
  /** Put in by the hundred thousand, while no server runs. */
  fill?(client: ClientBase, place: Place, people: readonly Person[], made: T): Promise<void>
}

/** Longer than a run takes. */
const TOKEN_SECONDS = 12 * 3600

const made = new WeakMap<Bench, Map<string, Promise<Site<unknown>>>>()

/** Made once a run, whichever workload asks first. */
export function site<T>(bench: Bench, plan: SitePlan<T>): Promise<Site<T>> {
  const sites: Map<string, Promise<Site<unknown>>> = made.get(bench) ?? new Map()
  made.set(bench, sites)
  const known = sites.get(plan.name)
  if (known) return known as Promise<Site<T>>
  const fresh = makeSite(bench, plan)
  sites.set(plan.name, fresh)
  return fresh
}

async function makeSite<T>(bench: Bench, { name, channels, people: count, make, fill }: SitePlan<T>) {
  const database = await bench.vibedDatabase(name)
  const server = await bench.server({ database })
  const place = await settle(server.origin, channels)
  const made = await make?.(place)
  await server.stop()
  const makers = bench.people(database)
  const drafts = await makers.make(count, place.workspaceId)
  const people = drafts.map(person => ({ ...person, token: makers.token(person, TOKEN_SECONDS) }))
  await database.connected(client => fill?.(client, place, people, made as T) ?? Promise.resolve())
  if (fill) await mendCounters(database.url)
  await database.connected(async client => {
    await client.query('vacuum analyze')
    // What filling wrote is on disk before anything is timed.
    await client.query('checkpoint')
  })
  return { ...place, database, people, filled: made as T }
}

/** The same once more, for a server that is to be alone on its database. Nobody may be connected to the first. */
export async function copyOf(bench: Bench, { name }: Database, n: number): Promise<Database> {
  const copy = `${name}_${n}`
  await bench.postgres.connected('postgres', client =>
    client.query(`create database ${copy} template ${name}`),
  )
  return {
    name: copy,
    url: bench.postgres.url(copy),
    connected: work => bench.postgres.connected(copy, work),
  }
}
