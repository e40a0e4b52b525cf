import { parseArgs } from 'node:util'

/** What a run is told on the command line. */
export interface Options {
  seed: string
  scenarios: string[]
  nodes: number
  /** Sizes for half a minute a scenario instead of the issue's. */
  small: boolean
  /** The bus between nodes on Redis instead of Postgres. */
  redis: boolean
  /** Results as JSON instead of a table. */
  json: boolean
}

export const usage = `npm run chaos -- [--scenario name,name…|all] [--seed text] [--nodes 2] [--small] [--redis] [--json]`

/** @throws with the usage where the command line is not understood */
export function readOptions(argv: readonly string[], known: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      scenario: { type: 'string', default: 'all' },
      nodes: { type: 'string', default: '2' },
      small: { type: 'boolean', default: false },
      redis: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const scenarios = values.scenario === 'all' ? [...known] : values.scenario.split(',')
  const unknown = scenarios.filter(name => !known.includes(name))
  if (unknown.length > 0) throw new Error(`No scenario ${unknown.join(', ')}; there are ${known.join(', ')}`)
  const nodes = Number(values.nodes)
  if (!Number.isInteger(nodes) || nodes < 1) throw new Error('--nodes takes a whole number from 1')
  const { seed, small, redis, json } = values
  return { seed, scenarios, nodes, small, redis, json }
}
