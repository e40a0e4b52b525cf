import { randomBytes } from 'node:crypto'
import type { Config } from '../../src/config.js'
import { startApp, type TestApp } from '../support/app.js'
import { cloneDatabase } from '../support/database.js'

export interface Nodes {
  nodes: TestApp[]
  databaseUrl: string
  /** One more node of the same server. */
  add(config?: Partial<Config>): Promise<TestApp>
  stop(): Promise<void>
}

/** Several nodes of one server, in this process: on one database, with one secret. */
export async function startNodes(count: number, config: Partial<Config> = {}): Promise<Nodes> {
  const database = await cloneDatabase()
  const jwtSecret = randomBytes(24).toString('hex')
  const nodes: TestApp[] = []
  const add = async (own: Partial<Config> = {}) => {
    const settings = {
      databaseUrl: database.url,
      databaseDirectUrl: database.url,
      jwtSecret,
      ...config,
      ...own,
    }
    const node = await startApp({ config: settings })
    nodes.push(node)
    return node
  }
  for (let n = 0; n < count; n++) await add({ nodeName: `node${n + 1}` })
  return {
    nodes,
    databaseUrl: database.url,
    add,
    stop: async () => {
      await Promise.all(nodes.map(node => node.stop()))
      await database.drop()
    },
  }
}

/** Waits until something is so. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string, withinMs = 10_000) {
  const end = performance.now() + withinMs
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${withinMs} ms`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
