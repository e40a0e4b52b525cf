import type { Beat, Frame } from './bus-frame.js'

/** The other nodes as they are heard over the bus: pure bookkeeping, all times are of one monotonic clock, in milliseconds. */
export class Peers {
  private readonly heard = new Map<string, { n: number; at: number; beat?: Beat & { heardAt: number } }>()
  /** Those that hold a lease, by the database. */
  private live = new Set<string>()

  /** @param silentMs how long a node may say nothing before it does not count as heard */
  constructor(private readonly silentMs: number) {}

  /** Takes note of a frame; false if one or more before it were lost. */
  hear({ from, n, beat }: Frame, now: number): boolean {
    const known = this.heard.get(from)
    this.heard.set(from, {
      n,
      at: now,
      ...(beat ? { beat: { ...beat, heardAt: now } } : known?.beat && { beat: known.beat }),
    })
    return known === undefined || n <= known.n + 1
  }

  /** Which other nodes hold a lease now; what was heard of the rest is forgotten once they are silent. */
  follow(live: Iterable<string>, now: number): void {
    this.live = new Set(live)
    for (const [id, { at }] of this.heard)
      if (!this.live.has(id) && this.isSilent(at, now)) this.heard.delete(id)
  }

  forget(nodeId: string): void {
    this.heard.delete(nodeId)
    this.live.delete(nodeId)
  }

  /** Whether there is anybody to talk to. */
  get any(): boolean {
    return this.live.size > 0 || this.heard.size > 0
  }

  /** Live by the database, and yet none of them is heard. */
  isDeaf(now: number): boolean {
    if (this.live.size === 0) return false
    return [...this.live].every(id => this.isSilent(this.heard.get(id)?.at, now))
  }

  /** How long a frame of this node takes to the sender of `beat` and back, by halves; undefined if it heard none. */
  lagTo(self: string, { beat }: Frame, now: number): number | undefined {
    const echo = beat?.heard[self]
    return echo && Math.max(0, (now - echo.at - echo.agoMs) / 2)
  }

  /** A beat to send. */
  beat(now: number): Beat {
    const heard: Beat['heard'] = {}
    for (const [id, { beat }] of this.heard) if (beat) heard[id] = { at: beat.at, agoMs: now - beat.heardAt }
    return { at: now, heard }
  }

  private isSilent(at: number | undefined, now: number): boolean {
    return at === undefined || now - at > this.silentMs
  }
}
