import { writeFileSync } from 'node:fs'
import { totalmem } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Bench } from './lab/bench.js'
import { cores, leaveServerCore } from './lab/cores.js'
import { keep } from './lab/kept-results.js'
import { type Options, readOptions, usage } from './lab/options.js'
import { markdownReport, type Outcome, plainReport } from './lab/report.js'
import { measure, type Result } from './lab/rounds.js'
import { verdicts } from './lab/verdicts.js'
import { workloads } from './workloads/index.js'

const page = fileURLToPath(new URL('../../../docs/performance.md', import.meta.url))

// The package of Postgres ends a process that has nothing left to do with 0, as if all were well.
process.prependListener('beforeExit', () => {
  process.stderr.write('the bench waits for something that does not come\n')
  process.exit(2)
})

try {
  const options = readOptions(process.argv.slice(2), workloads)
  const bench = await Bench.open(options.short)
  // Postgres runs by now, on any core that has room, as it would anywhere.
  leaveServerCore()
  const { results, postgres } = await runAll(bench, options).finally(() => bench.close())
  const machine = `${cores} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}, ${postgres}`
  process.stdout.write(
    options.json ? `${JSON.stringify(results)}\n` : plainReport(outcomesOf(results), options.short),
  )
  const all = options.short ? results : keep(results)
  if (options.write) writeFileSync(page, markdownReport(outcomesOf(all), machine))
  process.exit(isFine(results, options) ? 0 : 1)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n\n${usage}\n`)
  process.exit(2)
}

async function runAll(bench: Bench, options: Options) {
  const results: Result[] = []
  for (const workload of workloads.filter(({ name }) => options.workloads.includes(name))) {
    process.stderr.write(`${workload.name} …\n`)
    const result = await measure(bench, workload, options.runs)
    if (result.failed !== undefined) process.stderr.write(`${result.failed}\n`)
    results.push(result)
  }
  return { results, postgres: await postgresOf(bench) }
}

async function postgresOf({ postgres }: Bench): Promise<string> {
  const { rows } = await postgres.connected('postgres', client => client.query('show server_version'))
  return `PostgreSQL ${rows[0]?.server_version}`
}

function outcomesOf(results: readonly Result[]): Outcome[] {
  return workloads.flatMap(workload => {
    const result = results.find(result => result.workload === workload.name)
    return result ? [{ workload, result }] : []
  })
}

/** Bars are for figures, which a short run has none of. */
function isFine(results: readonly Result[], { short }: Options): boolean {
  return outcomesOf(results).every(
    ({ workload, result }) =>
      result.failed === undefined && (short || verdicts(workload, result).every(({ ok }) => ok)),
  )
}
