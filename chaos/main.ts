import { readOptions, usage } from './lab/arguments.js'
import { type Result, table } from './lab/figures.js'
import { Lab } from './lab/lab.js'
import { scenarios } from './scenarios/index.js'
import type { Scenario } from './scenarios/scenario.js'

try {
  const options = readOptions(
    process.argv.slice(2),
    scenarios.map(({ name }) => name),
  )
  process.stderr.write(`chaos lab, seed ${options.seed}\n`)
  const results = await runAll(await Lab.open(options), options.scenarios)
  process.stdout.write(options.json ? `${JSON.stringify(results)}\n` : table(results))
  process.exit(results.every(({ figures }) => figures.every(({ ok }) => ok)) ? 0 : 1)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n\n${usage}\n`)
  process.exit(2)
}

async function runAll(lab: Lab, names: readonly string[]): Promise<Result[]> {
  const results: Result[] = []
  try {
    for (const scenario of scenarios.filter(({ name }) => names.includes(name))) {
      process.stderr.write(`${scenario.name} …\n`)
      results.push(await run(lab, scenario))
    }
    return results
  } finally {
    await lab.close()
  }
}

async function run(lab: Lab, scenario: Scenario): Promise<Result> {
  const site = await lab.site(scenario.name, scenario.nodes, scenario.crews)
  const begun = Date.now()
  try {
    const figures = await scenario.run(site)
    const seconds = Math.round((Date.now() - begun) / 1000)
    for (const error of site.nodes.flatMap(node => node.errors).slice(0, 5))
      process.stderr.write(`  ${error.slice(0, 400)}\n`)
    return { scenario: scenario.name, seconds, figures }
  } finally {
    await site.close()
  }
}
