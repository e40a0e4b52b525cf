/** How often each value came, to the millisecond: small enough to be sent between processes. */
export class Histogram {
  private readonly counts: Map<number, number>

  constructor(entries: readonly (readonly [number, number])[] = []) {
    this.counts = new Map(entries)
  }

  get size(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0)
  }

  add(value: number, count = 1): void {
    const rounded = Math.round(value)
    this.counts.set(rounded, (this.counts.get(rounded) ?? 0) + count)
  }

  merge(other: Histogram): this {
    for (const [value, count] of other.counts) this.add(value, count)
    return this
  }

  /** All values so far, which it forgets. */
  take(): Histogram {
    const taken = new Histogram([...this.counts])
    this.counts.clear()
    return taken
  }

  /** The least value that the given share of all values does not exceed; 0 where there are none. */
  quantile(share: number): number {
    let left = Math.ceil(this.size * share)
    for (const [value, count] of [...this.counts].sort(([a], [b]) => a - b)) {
      left -= count
      if (left <= 0) return value
    }
    return 0
  }

  toJSON(): [number, number][] {
    return [...this.counts]
  }
}
