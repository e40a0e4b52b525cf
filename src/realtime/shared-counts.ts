/**
 * Counts on demand, one count at a time for each id: all who ask while one is under way share the
 * next, which begins after they have asked and so knows of every write before.
 */
export class SharedCounts<Counts> {
  private readonly underWay = new Map<string, { now: Promise<Counts>; next?: Promise<Counts> }>()

  constructor(private readonly count: (id: string) => Promise<Counts>) {}

  /** Errors: those of the count that was shared. */
  get(id: string): Promise<Counts> {
    const counting = this.underWay.get(id)
    if (!counting) return this.begin(id)
    const begin = () => this.begin(id)
    counting.next ??= counting.now.then(begin, begin)
    return counting.next
  }

  private begin(id: string): Promise<Counts> {
    const counting: { now: Promise<Counts>; next?: Promise<Counts> } = { now: this.count(id) }
    this.underWay.set(id, counting)
    const end = () => {
      if (!counting.next) this.underWay.delete(id)
    }
    counting.now.then(end, end)
    return counting.now
  }
}
