/** How some values, in milliseconds, are spread. */
export interface Spread {
  count: number
  p50: number
  p99: number
  most: number
}

/** All zero where there are no values. */
export function spread(values: readonly number[]): Spread {
  const sorted = Float64Array.from(values).sort()
  return {
    count: sorted.length,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    most: quantile(sorted, 1),
  }
}

export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort()
  const middle = sorted.length / 2
  return (at(sorted, Math.ceil(middle) - 1) + at(sorted, Math.floor(middle))) / 2
}

/** The least value that the given share of all does not exceed. */
function quantile(sorted: Float64Array, share: number): number {
  return at(sorted, Math.max(0, Math.ceil(sorted.length * share) - 1))
}

function at(sorted: Float64Array, index: number): number {
  return sorted[index] ?? 0
}
