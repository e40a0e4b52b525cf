import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { type Place, settle } from '../../chaos/lab/people.js'
import type { Bench } from '../lab/bench.js'
import { openDatabase } from './built.js'
import { fillMessages } from './messages.js'

/** Vibed with the database that comes along, filled. */
export interface EmbeddedSite extends Place {
  /** Where Vibed keeps its data. */
  folder: string
  /** Another copy of the database alone. */
  copy: string
  messages: number
  depth: number
}

const made = new WeakMap<Bench, Promise<EmbeddedSite>>()

/** An empty channel, and one with a hundred thousand messages; made once a run. */
export function embeddedSite(bench: Bench): Promise<EmbeddedSite> {
  const site = made.get(bench) ?? makeSite(bench)
  made.set(bench, site)
  return site
}

/** Filled through Vibed's own way to that database, while no server runs. */
async function makeSite(bench: Bench): Promise<EmbeddedSite> {
  const [messages, depth] = bench.short ? [500, 400] : [100_000, 80_000]
  const folder = bench.newFolder()
  const server = await bench.server({ env: { VIBED_DATA_DIR: folder } })
  const place = await settle(server.origin, 2)
  await server.stop()
  const database = await openDatabase({ dataDir: folder })
  const client = await database.pool.connect()
  await fillMessages(client, [{ ids: place.channelIds.slice(0, 1), count: messages }], [place.owner.id])
  client.release()
  await database.close()
  const copy = bench.newFolder()
  await cp(join(folder, 'data'), copy, { recursive: true })
  return { ...place, folder, copy, messages, depth }
}
