import { Container, Logger } from '@forinda/kickjs-core'
import { CONFIG, type Config, loadConfig } from '../../../src/config.js'
import { Database } from '../../../src/db/database.js'
import { Events, type Told } from '../../../src/events.js'

Logger.configure({ level: process.env.TEST_LOG_LEVEL ?? 'silent' })

/** A node without its edges: services over a database, and a bus that is a function call. */
export function bareNode(database: Database, config: Partial<Config> = {}) {
  const container = new Container()
    .registerInstance(CONFIG, {
      ...loadConfig({}),
      jwtSecret: 'a secret of 32 characters, more or less',
      ...config,
    })
    .registerInstance(Database, database)
  const events = container.resolve(Events)
  return { container, events, told: [] as Told[] }
}
export type BareNode = ReturnType<typeof bareNode>

/** From now on each hears what the others tell, and remembers what it told. */
export function connect(...nodes: BareNode[]): void {
  for (const node of nodes) {
    node.events.relayTo((...told) => {
      node.told.push(told)
      for (const other of nodes) if (other !== node) other.events.deliver(...told)
    })
  }
}
