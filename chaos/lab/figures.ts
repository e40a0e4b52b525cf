/** One measured thing, and the bar that it must clear where there is one. */
export interface Figure {
  name: string
  value: string
  bar?: string
  /** Whether it clears the bar; where there is none it only informs. */
  ok: boolean
}

/** All figures of one scenario. */
export interface Result {
  scenario: string
  seconds: number
  figures: Figure[]
}

export function told(name: string, value: number | string): Figure {
  return { name, value: String(value), ok: true }
}

export function atMost(name: string, value: number, limit: number, unit = ''): Figure {
  return { name, value: `${shown(value)}${unit}`, bar: `≤ ${limit}${unit}`, ok: value <= limit }
}

export function exactly(name: string, value: number, wanted: number): Figure {
  return { name, value: shown(value), bar: `= ${wanted}`, ok: value === wanted }
}

/** A share that must be whole: it is rounded down, so that 100 means all. */
export function allOf(name: string, part: number, whole: number): Figure {
  const percent = whole === 0 ? 0 : Math.floor((part / whole) * 100_000) / 1000
  return { name, value: `${percent.toFixed(3)} %`, bar: '= 100 %', ok: whole > 0 && part === whole }
}

/** Several things that must not have happened, by their names. */
export function none(names: Record<string, number>): Figure[] {
  return Object.entries(names).map(([name, value]) => exactly(name, value, 0))
}

/** The table that a run ends with. */
export function table(results: readonly Result[]): string {
  const rows = [
    ['scenario', 'figure', 'measured', 'bar', ''],
    ...results.flatMap(({ scenario, seconds, figures }) =>
      figures.map(({ name, value, bar = '', ok }, n) => {
        const head = n === 0 ? `${scenario} (${seconds} s)` : ''
        return [head, name, value, bar, bar === '' ? '' : ok ? 'ok' : 'MISSED']
      }),
    ),
  ]
  const widths = [0, 1, 2, 3, 4].map(column => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  const lines = rows.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  lines.splice(1, 0, widths.map(width => '-'.repeat(width)).join('  '))
  return `${lines.join('\n')}\n`
}

function shown(value: number): string {
  return String(Math.round(value * 100) / 100)
}
