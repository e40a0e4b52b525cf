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

/** A channel with a hundred thousand messages; filled through Vibed's own way to that database, while no server runs. */
export async function embeddedSite(bench: Bench): Promise<EmbeddedSite> {
  const [messages, depth] = bench.short ? [500, 400] : [100_000, 80_000]
  const folder = bench.newFolder()
  const server = await bench.server({ env: { VIBED_DATA_DIR: folder } })
  const place = await settle(server.origin, 1)
  await server.stop()
  const database = await openDatabase({ dataDir: folder })
  const client = await database.pool.connect()
  await fillMessages(client, [{ ids: place.channelIds, count: messages }], [place.owner.id])
  client.release()
  await database.close()
  const copy = bench.newFolder()
  await cp(join(folder, 'data'), copy, { recursive: true })
  return { ...place, folder, copy, messages, depth }
}
