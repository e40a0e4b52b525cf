import type { Bench } from './bench.js'
import { median } from './quantiles.js'
import { type Contender, LeftOut, type Workload } from './workload.js'

/** The values of one figure over all runs. */
export interface Values {
  least: number
  median: number
  most: number
}

/** What a workload gave: of each contender, in their order, the figures by name. */
export interface Result {
  workload: string
  seconds: number
  runs: number
  contenders: { name: string; figures: Record<string, Values> }[]
  /** Why it could not be done here. */
  leftOut?: string
  /** What went wrong; then there are no figures. */
  failed?: string
}

/** Runs a workload: all contenders in turns, once for nothing, and then as often as it is told to. */
export async function measure(bench: Bench, workload: Workload, runs: number): Promise<Result> {
  const begun = Date.now()
  const contenders: Contender[] = []
  const result = (): Result => ({
    workload: workload.name,
    seconds: Math.round((Date.now() - begun) / 1000),
    runs,
    contenders: [],
  })
  try {
    contenders.push(...(await workload.open(bench)))
    if (!workload.cold && !bench.short) await round(contenders)
    const samples = new Map<string, Map<string, number[]>>()
    for (let run = 0; run < runs; run++) note(samples, await round(contenders))
    const figures = [...samples].map(([name, values]) => ({ name, figures: summary(values) }))
    return { ...result(), contenders: figures }
  } catch (error) {
    if (error instanceof LeftOut) return { ...result(), leftOut: error.message }
    return { ...result(), failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  } finally {
    for (const contender of contenders) await contender.close?.()
    await bench.clear()
  }
}

type Round = (readonly [name: string, sample: Record<string, number>])[]

async function round(contenders: readonly Contender[]): Promise<Round> {
  const samples: Round = []
  for (const contender of contenders) {
    const begun = Date.now()
    samples.push([contender.name, await contender.sample()])
    process.stderr.write(`  ${contender.name}: ${Math.round((Date.now() - begun) / 1000)} s\n`)
  }
  return samples
}

function note(samples: Map<string, Map<string, number[]>>, round: Round) {
  for (const [name, sample] of round) {
    const values = samples.get(name) ?? new Map<string, number[]>()
    samples.set(name, values)
    for (const [figure, value] of Object.entries(sample))
      values.set(figure, [...(values.get(figure) ?? []), value])
  }
}

function summary(values: Map<string, number[]>): Record<string, Values> {
  return Object.fromEntries(
    [...values].map(([figure, all]) => [
      figure,
      { least: Math.min(...all), median: median(all), most: Math.max(...all) },
    ]),
  )
}
