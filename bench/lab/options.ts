import { parseArgs } from 'node:util'
import type { Workload } from './workload.js'

/** What a run is told on the command line. */
export interface Options {
  workloads: string[]
  runs: number
  /** Tiny sizes and one run: whether all works, and no figures worth a look. */
  short: boolean
  /** Writes docs/performance.md. */
  write: boolean
  /** Results as JSON instead of tables. */
  json: boolean
}

export const usage = 'npm run bench -- [--workload name,name…|all] [--runs 5] [--short] [--write] [--json]'

/** @throws where the command line is not understood */
export function readOptions(argv: readonly string[], workloads: readonly Workload[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      workload: { type: 'string', default: 'all' },
      runs: { type: 'string', default: '5' },
      short: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const known = workloads.map(({ name }) => name)
  const all = workloads.filter(({ variant }) => !variant || !values.short).map(({ name }) => name)
  const wanted = values.workload === 'all' ? all : values.workload.split(',')
  const unknown = wanted.filter(name => !known.includes(name))
  if (unknown.length > 0) throw new Error(`No workload ${unknown.join(', ')}; there are ${known.join(', ')}`)
  const runs = Number(values.runs)
  if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs takes a whole number from 1')
  const { short, write, json } = values
  if (short && write) throw new Error('--short gives no figures that are worth to be written down')
  return { workloads: wanted, runs: short ? 1 : runs, short, write, json }
}
