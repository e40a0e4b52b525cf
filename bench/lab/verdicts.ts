import type { Result, Values } from './rounds.js'
import type { Bar, Workload } from './workload.js'

/** A bar, and what became of it. */
export interface Verdict {
  figure: string
  /** Ours, and what it is held against, as they are printed. */
  ours: string
  theirs: string
  ratio: string
  bar: string
  ok: boolean
}

/** Whether ours clears its bars, median against median. Nothing is judged of what was not measured. */
export function verdicts(workload: Workload, result: Result): Verdict[] {
  const [ours] = result.contenders
  if (!ours) return []
  return workload.bars.map(bar => judge(workload, result, bar))
}

function judge(workload: Workload, result: Result, bar: Bar): Verdict {
  const { unit, better } = figureOf(workload, bar.figure)
  const ours = value(result, result.contenders[0]?.name ?? '', bar.figure).median
  const printed = `${shown(ours)}${unit}`
  const isMore = better === 'more'
  if ('limit' in bar) {
    const ok = isMore ? ours >= bar.limit : ours <= bar.limit
    const limit = `${isMore ? '≥' : '≤'} ${shown(bar.limit)}${unit}`
    return { figure: bar.figure, ours: printed, theirs: '', ratio: '', bar: limit, ok }
  }
  const their = bar.their ?? bar.figure
  const theirs = value(result, bar.against, their).median
  const times = isMore ? ours / theirs : theirs / ours
  // Said the way people say it: at most 1.5 times as slow, not at least 0.67 times as fast.
  const isCost = !isMore && bar.atLeast < 1
  const ratio = `${shown(isCost ? 1 / times : times)} ×`
  const limit = isCost ? `≤ ${shown(1 / bar.atLeast)} ×` : `≥ ${shown(bar.atLeast)} ×`
  const whose = bar.their === undefined ? bar.against : `${bar.against}, ${their}`
  return {
    figure: bar.figure,
    ours: printed,
    theirs: `${shown(theirs)}${figureOf(workload, their).unit} (${whose})`,
    ratio,
    bar: limit,
    ok: times >= bar.atLeast,
  }
}

export function figureOf({ name, figures }: Workload, wanted: string) {
  const figure = figures.find(figure => figure.name === wanted)
  if (!figure) throw new Error(`${name} has no figure ${wanted}`)
  return figure
}

function value(result: Result, contender: string, figure: string): Values {
  const values = result.contenders.find(({ name }) => name === contender)?.figures[figure]
  if (!values) throw new Error(`${result.workload} has no ${figure} of ${contender}`)
  return values
}

/** Three digits that count, and thousands apart. */
export function shown(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US')
  return String(Number(value.toPrecision(3)))
}
