import type { Result, Values } from './rounds.js'
import { figureOf, shown, type Verdict, verdicts } from './verdicts.js'
import type { Workload } from './workload.js'

/** A workload with what it gave. */
export interface Outcome {
  workload: Workload
  result: Result
}

/** The tables that a run ends with; bars are for figures, which a short run has none of. */
export function plainReport(outcomes: readonly Outcome[], short: boolean): string {
  return outcomes
    .map(({ workload, result }) => {
      const head = `${workload.name}: ${workload.title} (${result.seconds} s, ${result.runs} runs)`
      if (result.failed !== undefined) return `${head}\n  FAILED: ${result.failed.split('\n', 1)}\n`
      if (result.leftOut !== undefined) return `${head}\n  left out: ${result.leftOut}\n`
      const bars = short ? [] : verdicts(workload, result).map(judged)
      return [head, '', aligned(figureRows(workload, result)), ...bars, ''].join('\n')
    })
    .join('\n')
}

/** docs/performance.md. */
export function markdownReport(outcomes: readonly Outcome[], machine: string): string {
  const sections = outcomes.map(({ workload, result }) =>
    [
      `### ${workload.title}`,
      '',
      ...(workload.note === undefined ? [] : [workload.note, '']),
      body(workload, result),
    ].join('\n'),
  )
  return [introduction(machine), barTable(outcomes), '## Workloads', '', sections.join('\n\n'), ''].join('\n')
}

function introduction(machine: string): string {
  return `# Performance

\`npm run bench -- --write\` has written this page: change the bench, not the page.

Each workload is done by Vibed and by those it is compared with, in turns, in one run: one round that nobody looks at, then
those that are printed, as median (least–most). "Bare" is the same stack doing that work and nothing else: no access, no
validation, no order, no resuming. "The articles' way" is that of the articles which Vibed's interface comes from, with the
indexes that help it. What reaches whom is checked with each sample: a sample that loses a message counts for nothing.

Absolute figures belong to the machine: ${machine}. Servers run on one core and the load on
the others; PostgreSQL, with its default settings (it syncs each commit), on any that has room. Only ratios mean
something elsewhere.
`
}

function barTable(outcomes: readonly Outcome[]): string {
  const rows = outcomes.flatMap(({ workload, result }) =>
    verdicts(workload, result).map(({ figure, ours, theirs, ratio, bar, ok }) => [
      workload.title,
      figure,
      ours,
      theirs,
      ratio,
      bar,
      ok ? 'ok' : '**missed**',
    ]),
  )
  const heads = ['Workload', 'Figure', 'Vibed', 'Against', 'Ratio', 'Bar', '']
  return ['## Bars', '', markdownTable([heads, ...rows]), ''].join('\n')
}

function body(workload: Workload, result: Result): string {
  if (result.failed !== undefined) return 'It failed.'
  if (result.leftOut !== undefined) return `Left out: ${result.leftOut}.`
  return markdownTable(figureRows(workload, result))
}

/** A column for each contender, a line for each figure. */
function figureRows(workload: Workload, { contenders }: Result): string[][] {
  const measured = workload.figures.filter(({ name }) => contenders.some(({ figures }) => figures[name]))
  return [
    ['', ...contenders.map(({ name }) => name)],
    ...measured.map(({ name }) => [
      name,
      ...contenders.map(({ figures }) => cell(figures[name], figureOf(workload, name).unit)),
    ]),
  ]
}

function cell(values: Values | undefined, unit: string): string {
  if (!values) return ''
  const { least, median, most } = values
  return `${shown(median)}${unit} (${shown(least)}–${shown(most)})`
}

function judged({ figure, ours, theirs, ratio, bar, ok }: Verdict): string {
  const measured = ratio === '' ? ours : `${ratio} (${ours} to ${theirs})`
  return `  ${ok ? 'ok    ' : 'MISSED'} ${figure}: ${measured}, bar ${bar}`
}

function aligned(rows: readonly string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  return rows
    .map(row => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd())
    .join('\n')
}

function markdownTable([heads = [], ...rows]: readonly string[][]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n')
}
